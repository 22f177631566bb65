#include "wire/http/targeted_control.h"

#include <gtest/gtest.h>

namespace headgate::wire::http {
namespace {

std::optional<TargetedControl> parse(std::initializer_list<std::string_view> lines) {
  Fields fields = {{"cache-control", "no-store", FieldId::kCacheControl}};
  for (const auto line : lines)
    fields.push_back({"CDN-Cache-Control", line, FieldId::kCdnCacheControl});
  return parse_targeted_control(fields, "cdn-cache-control");
}

TEST(TargetedControl, Rfc9213_2_1_MembersAreDirectives) {
  const auto t = parse({"max-age=60, must-revalidate", "no-cache=\"set-cookie, x-a\";p=1"});
  ASSERT_TRUE(t);
  EXPECT_EQ(t->control.max_age.seconds, 60U);
  EXPECT_TRUE(t->control.must_revalidate);
  EXPECT_FALSE(t->control.no_store);
  EXPECT_FALSE(t->control.no_cache.is_whole());
  EXPECT_TRUE(t->control.no_cache.names("X-A"));
}

TEST(TargetedControl, Rfc9213_2_1_AbsentEmptyOrUnparsableFieldsCountForNothing) {
  EXPECT_FALSE(parse({}));
  EXPECT_FALSE(parse({""}));
  EXPECT_FALSE(parse({"max-age=60,"}));
  EXPECT_FALSE(parse({"Max-Age=60"}));
  EXPECT_FALSE(parse({"max-age = 60"}));
  EXPECT_FALSE(parse({"max-age=60", "no-store;;"}));
}

TEST(TargetedControl, Rfc9213_2_1_ValuesOfTheWrongTypeAreNotTaken) {
  for (const char* line : {"max-age=1.5", "max-age=\"60\"", "max-age=a", "max-age=-1", "max-age",
                           "max-age=(1)", "max-age=@60"}) {
    const auto t = parse({line});
    ASSERT_TRUE(t) << line;
    EXPECT_TRUE(t->control.max_age.is_present()) << line;
    EXPECT_FALSE(t->control.max_age.is_valid()) << line;
  }
  EXPECT_FALSE(parse({"no-store=?0"})->control.no_store);
  EXPECT_TRUE(parse({"no-store=1"})->control.no_store);
  EXPECT_TRUE(parse({"no-cache=x-a"})->control.no_cache.is_whole());
  EXPECT_FALSE(parse({"public=\"a\""})->control.is_public);
}

TEST(TargetedControl, Rfc9651_4_2_2_TheLastValueOfAMemberCounts) {
  EXPECT_EQ(parse({"max-age=5, max-age=9"})->control.max_age.seconds, 9U);
  EXPECT_EQ(parse({"max-age=999999999999999"})->control.max_age.seconds, kDeltaSecondsMax);
}

TEST(TargetedControl, FieldsWithoutAnIdAreFoundByName) {
  const Fields fields = {{"Headgate-Cache-Control", "max-age=7", FieldId::kOther},
                         {"Other-Cache-Control", "no-store", FieldId::kOther}};
  const auto t = parse_targeted_control(fields, "headgate-cache-control");
  ASSERT_TRUE(t);
  EXPECT_EQ(t->control.max_age.seconds, 7U);
  EXPECT_FALSE(t->control.no_store);
}

}  // namespace
}  // namespace headgate::wire::http
