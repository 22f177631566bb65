#pragma once
// Vary (RFC 9111 §4.1): which of several stored responses a request selects. Each is kept with its
// variant key: the names of its Vary and the normalised values that its own request had, so that a
// response whose Vary differs from that of its neighbours is still judged by its own. Pure.
//
// `request` is always the request as it would be sent to the origin: what the proxy adds or takes
// away, the origin may vary on too.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "wire/http/field.h"

namespace headgate::decide::cache {

// Appends the variant key of a response to `request`. Nothing is appended without Vary: the empty
// key matches every request. A response with "Vary: *" has none and is not stored (storability.h).
void append_variant_key(std::string& out, const wire::http::Fields& response,
                        const wire::http::Fields& request);

// Appends the key that a response with the same Vary as `like` has for `request`: what a table of
// variants is looked up with.
void append_key_like(std::string& out, std::string_view like, const wire::http::Fields& request);

// Whether `request` has every value of the key. `scratch` is overwritten; no allocation when it has
// room. A key that cannot be read matches nothing.
bool matches_variant(std::string_view key, const wire::http::Fields& request, std::string& scratch);

struct Variant {
  std::string_view key;
  std::int64_t date_s = 0;  // of its Date; the most recent of several that match is selected (§4.1)
};
std::optional<std::size_t> select_variant(std::span<const Variant> variants,
                                          const wire::http::Fields& request, std::string& scratch);

}  // namespace headgate::decide::cache
