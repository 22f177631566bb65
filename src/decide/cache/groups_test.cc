#include "decide/cache/groups.h"

#include <gtest/gtest.h>

namespace headgate::decide::cache {
namespace {

using Groups = std::vector<std::string>;

TEST(CacheGroups, rfc9875_s2_are_a_list_of_strings_over_all_lines) {
  EXPECT_EQ(groups_of({{"Cache-Groups", "\"a\", \"b c\";x=1"}, {"cache-groups", "\"d\""}}, kCacheGroups), (Groups{"a", "b c", "d"}));
  EXPECT_EQ(groups_of({{"Cache-Group-Invalidation", "\"a\""}}, kCacheGroups), Groups());
}

TEST(CacheGroups, rfc9875_s2_a_field_that_is_no_list_of_strings_names_none) {
  for (const std::string_view value : {"a", "\"a\", b", "(\"a\")", "\"a\",", "\"a", "1"})
    EXPECT_EQ(groups_of({{"cache-groups", value}}, kCacheGroups), Groups()) << value;
}

TEST(CacheGroups, rfc9875_s2_many_and_long_ones_do_not_count) {
  std::string value = "\"" + std::string(kGroupBytesMax + 1, 'x') + "\"";
  for (std::size_t i = 0; i < kGroupsMax + 5; ++i) value += ", \"" + std::to_string(i) + "\"";
  EXPECT_EQ(groups_of({{"cache-groups", value}}, kCacheGroups).size(), kGroupsMax);
}

}  // namespace
}  // namespace headgate::decide::cache
