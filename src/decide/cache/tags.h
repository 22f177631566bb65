#pragma once
// The tags by which a stored response can be purged: Cache-Tag ("a, b"), Surrogate-Key and xkey
// ("a b"), as the policy names them. Views over the response's fields. Pure.
#include <span>
#include <string>
#include <string_view>

#include "base/ascii.h"
#include "wire/http/field.h"

namespace headgate::decide::cache {

inline constexpr std::size_t kTagsMax = 256;      // of one response
inline constexpr std::size_t kTagBytesMax = 256;  // of one tag

// Calls visit(std::string_view tag) for every tag, in order, repeated ones too. Commas and white
// space part tags.
template <typename Visit>
void for_each_tag(const wire::http::Fields& response, std::span<const std::string> headers,
                  Visit&& visit) {
  constexpr std::string_view kSeparators = ", \t";
  for (const std::string& header : headers) {
    const wire::http::FieldId id = wire::http::field_id(header);
    for (const wire::http::Field& field : response) {
      const bool is_it = field.id == id && (id != wire::http::FieldId::kOther ||
                                            equals_ignore_case(field.name, header));
      if (!is_it) continue;
      std::string_view rest = field.value;
      for (std::size_t begin = rest.find_first_not_of(kSeparators); begin != std::string_view::npos;
           begin = rest.find_first_not_of(kSeparators)) {
        rest.remove_prefix(begin);
        const std::string_view tag = rest.substr(0, rest.find_first_of(kSeparators));
        rest.remove_prefix(tag.size());
        visit(tag);
      }
    }
  }
}

// Whether all tags lie within the limits. A response beyond them is not stored: it could not be
// purged by each of its tags.
bool has_tags_within_limits(const wire::http::Fields& response,
                            std::span<const std::string> headers);

}  // namespace headgate::decide::cache
