#pragma once
// Conditional requests answered from a stored response (RFC 9111 §4.3.2, RFC 9110 §13). If-Match
// and If-Unmodified-Since say nothing about a stored response and are not looked at (RFC 9110
// §13.1.1, §13.1.4). Pure; no allocation.
#include <string_view>

#include "model/stored_response.h"
#include "wire/http/field.h"

namespace headgate::decide::cache {

// Whether a GET or HEAD is answered with 304. `tag`: the ETag of the stored response, or empty.
// If-Modified-Since counts only without If-None-Match (§13.2.2), and only when it is one valid
// date.
bool is_not_modified(const wire::http::Fields& request, const model::StoredResponse& stored,
                     std::string_view tag);

// Whether Range counts: there is no If-Range, or its strong tag or date is that of the stored
// response (RFC 9110 §13.1.5). A date counts when Date shows that it is a strong validator
// (§8.8.2.2).
bool allows_range(const wire::http::Fields& request, const model::StoredResponse& stored,
                  std::string_view tag);

// Whether a stored field goes into a 304: not what describes the content (RFC 9110 §15.4.5).
bool is_sent_in_304(const wire::http::Field& field, bool has_tag);

}  // namespace headgate::decide::cache
