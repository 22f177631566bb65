#include "wire/http/entity_tag.h"

#include <algorithm>

#include "base/ascii.h"

namespace headgate::wire::http {
namespace {

// etagc: visible ASCII without the quote, and obs-text.
constexpr bool is_tag_char(char c) {
  const auto byte = static_cast<unsigned char>(c);
  return byte == 0x21 || (byte >= 0x23 && byte <= 0x7e) || byte >= 0x80;
}

std::optional<EntityTag> take_tag(std::string_view& rest) {
  EntityTag tag;
  tag.is_weak = rest.starts_with("W/");
  const std::size_t begin = tag.is_weak ? 2 : 0;
  if (rest.size() < begin + 2 || rest[begin] != '"') return std::nullopt;
  std::size_t end = begin + 1;
  while (end < rest.size() && is_tag_char(rest[end])) ++end;
  if (end == rest.size() || rest[end] != '"') return std::nullopt;
  tag.opaque = rest.substr(begin, end + 1 - begin);
  rest.remove_prefix(end + 1);
  return tag;
}

}  // namespace

std::optional<EntityTag> parse_entity_tag(std::string_view text) {
  const auto tag = take_tag(text);
  return text.empty() ? tag : std::nullopt;
}

bool EntityTags::next(EntityTag& tag) {
  while (!rest_.empty()) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(" \t,"), rest_.size()));
    const auto taken = take_tag(rest_);
    const bool is_alone = trim_ows(take_until(rest_, ',')).empty();
    if (!taken || !is_alone) continue;
    tag = *taken;
    return true;
  }
  return false;
}

}  // namespace headgate::wire::http
