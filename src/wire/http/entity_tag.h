#pragma once
// Entity tags (RFC 9110 §8.8.3) and the lists of them in If-None-Match and If-Match. Views into the
// caller's text; pure, any thread.
#include <optional>
#include <string_view>

namespace headgate::wire::http {

struct EntityTag {
  std::string_view opaque;  // with its quotes; nothing in it is an escape
  bool is_weak = false;
};

// The whole text is one tag, as ETag and If-Range carry it.
std::optional<EntityTag> parse_entity_tag(std::string_view text);

constexpr bool matches_strongly(const EntityTag& a, const EntityTag& b) {  // §8.8.3.2
  return !a.is_weak && !b.is_weak && a.opaque == b.opaque;
}
constexpr bool matches_weakly(const EntityTag& a, const EntityTag& b) {
  return a.opaque == b.opaque;
}

// Walks the tags of a list. What is no tag is skipped up to the next comma, so that it matches
// nothing; "*" is no tag.
class EntityTags {
 public:
  explicit EntityTags(std::string_view list) : rest_(list) {}
  bool next(EntityTag& tag);

 private:
  std::string_view rest_;
};

}  // namespace headgate::wire::http
