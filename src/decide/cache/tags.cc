#include "decide/cache/tags.h"

namespace headgate::decide::cache {

bool has_tags_within_limits(const wire::http::Fields& response,
                            std::span<const std::string> headers) {
  std::size_t count = 0;
  bool is_within = true;
  for_each_tag(response, headers, [&](std::string_view tag) {
    is_within = is_within && ++count <= kTagsMax && tag.size() <= kTagBytesMax;
  });
  return is_within;
}

}  // namespace headgate::decide::cache
