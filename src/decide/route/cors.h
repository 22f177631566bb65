#pragma once
// CORS of the Gateway API (HTTPCORSFilter; WHATWG Fetch §3.2): what to answer to a preflight, and
// what to add to responses. Pure, any thread. The caller takes every access-control-* field of the
// origin's response out before it adds these.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/route.h"
#include "wire/http/field.h"

namespace headgate::decide::route {

struct CorsField {
  std::string_view name;  // lower case, static
  std::string value;
};
using CorsFields = std::vector<CorsField>;

// "*", or scheme and host equal without regard to case; a host "*.example" takes one or more
// labels, a host "*" every one; the port must be the same, none where the pattern has none.
bool origin_matches(std::string_view pattern, std::string_view origin);

// OPTIONS with Origin and Access-Control-Request-Method is answered by the edge with 204 and these
// fields: nothing that allows when the origin is not in the list. nullopt: no preflight, the
// request goes on.
std::optional<CorsFields> preflight(const model::Cors& cors, std::string_view method,
                                    const wire::http::Fields& request);

// For the response to any other request. `response` is looked at where every field is exposed to
// credentialed requests, for which browsers do not take "*": its names are listed.
CorsFields response_fields(const model::Cors& cors, const wire::http::Fields& request,
                           const wire::http::Fields& response);

}  // namespace headgate::decide::route
