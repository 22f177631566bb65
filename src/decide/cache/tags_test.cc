#include "decide/cache/tags.h"

#include <gtest/gtest.h>

#include "decide/cache/exchange_for_test.h"

namespace headgate::decide::cache {
namespace {

std::string tags(testing::FieldList response) {
  std::string out;
  for_each_tag(testing::fields(response), model::CachePolicy().tag_headers,
               [&](std::string_view tag) { out.append(tag).append("|"); });
  return out;
}

TEST(Tags, CommasAndWhiteSpacePartTags) {
  EXPECT_EQ(tags({{"Cache-Tag", "a, b,,c "}, {"Surrogate-Key", " d  e\t"}, {"xkey", "f"}}),
            "a|b|c|d|e|f|");
  EXPECT_EQ(tags({{"cache-tag", ""}, {"x-other", "a"}}), "");
}

TEST(Tags, AResponseWithMoreOrLongerTagsThanTheLimitIsNotStored) {
  std::string many;
  for (std::size_t i = 0; i < kTagsMax; ++i) many += "t ";
  const std::string longest(kTagBytesMax, 'x');
  const auto stores = [](std::string_view tag) {
    return testing::stores(200, {{"cache-control", "max-age=60"}, {"xkey", tag}});
  };
  EXPECT_EQ(stores(many), Reason::kStored);
  EXPECT_EQ(stores(many + "u"), Reason::kTagsTooMany);
  EXPECT_EQ(stores(longest), Reason::kStored);
  EXPECT_EQ(stores(longest + "x"), Reason::kTagsTooMany);
}

}  // namespace
}  // namespace headgate::decide::cache
