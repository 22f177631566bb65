#include "wire/http/entity_tag.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::wire::http {
namespace {

std::string walk(std::string_view list) {
  std::string out;
  EntityTags tags(list);
  for (EntityTag tag; tags.next(tag);)
    out.append(tag.is_weak ? "W/" : "").append(tag.opaque).append("|");
  return out;
}

TEST(EntityTag, Rfc9110_8_8_3_ATagIsQuotedAndMayBeWeak) {
  EXPECT_EQ(parse_entity_tag("\"\"")->opaque, "\"\"");
  EXPECT_FALSE(parse_entity_tag("\"a\\b!#~\xff\"")->is_weak);
  EXPECT_TRUE(parse_entity_tag("W/\"a\"")->is_weak);
  for (const char* bad : {"", "a", "\"", "\"a", "a\"", "w/\"a\"", "W/", "W/\"", "W/a", "\"a b\"",
                          "\"a\"b\"", "\"a\" ", " \"a\"", "\"a\x7f\"", "*", "\"a\",\"b\""})
    EXPECT_FALSE(parse_entity_tag(bad)) << bad;
}

TEST(EntityTag, Rfc9110_8_8_3_2_StrongComparisonWantsTwoStrongTags) {
  const EntityTag strong{"\"1\"", false}, weak{"\"1\"", true}, other{"\"2\"", false};
  EXPECT_TRUE(matches_strongly(strong, strong));
  EXPECT_FALSE(matches_strongly(strong, weak));
  EXPECT_FALSE(matches_strongly(weak, weak));
  EXPECT_FALSE(matches_strongly(strong, other));
  EXPECT_TRUE(matches_weakly(strong, weak));
  EXPECT_TRUE(matches_weakly(weak, weak));
  EXPECT_FALSE(matches_weakly(weak, other));
}

TEST(EntityTag, Rfc9110_13_1_2_ListsAreWalkedAndWhatIsNoTagIsSkipped) {
  EXPECT_EQ(walk("\"a\", W/\"b,c\" ,,\t\"d\""), "\"a\"|W/\"b,c\"|\"d\"|");
  EXPECT_EQ(walk("a, \"b\", \"c\"d, \"e\" \"f\", \"g\""), "\"b\"|\"g\"|");
  EXPECT_EQ(walk(""), "");
  EXPECT_EQ(walk("*"), "");
  EXPECT_EQ(walk("\"a, \"b\""), "\"b\"|");
}

}  // namespace
}  // namespace headgate::wire::http
