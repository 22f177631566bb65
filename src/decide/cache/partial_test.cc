#include "decide/cache/partial.h"

#include <gtest/gtest.h>

#include "decide/cache/exchange_for_test.h"

namespace headgate::decide::cache {
namespace {

using wire::http::ByteRange;

model::StoredResponse part(std::uint64_t first, std::uint64_t last, std::uint64_t length = 100) {
  std::string range;
  wire::http::append_content_range(range, {first, last}, length);
  return testing::record(206, {{"content-range", range}, {"etag", "\"a\""}});
}

model::StoredResponse whole(std::string_view tag = "\"a\"") {
  auto made = testing::record(200, {{"etag", tag}});
  made.complete_length = 100;
  made.flags |= model::StoredFlag::kHasLength;
  return made;
}

TEST(Partial, rfc9110_14_3_parts_are_asked_for_where_the_origin_serves_ranges_of_a_strong_tag) {
  const wire::http::Fields serves{{"Accept-Ranges", "Bytes", wire::http::FieldId::kOther}};
  EXPECT_TRUE(is_fetched_in_parts(whole(), serves));
  EXPECT_FALSE(is_fetched_in_parts(whole("W/\"a\""), serves));
  EXPECT_FALSE(is_fetched_in_parts(testing::record(200, {{"etag", "\"a\""}}), serves));
  EXPECT_FALSE(is_fetched_in_parts(part(0, 9), serves));
  EXPECT_FALSE(is_fetched_in_parts(whole(), {}));
  EXPECT_FALSE(is_fetched_in_parts(whole(), {{"Accept-Ranges", "none"}}));
}

TEST(Partial, rfc9111_4_3_1_a_missing_part_is_asked_for_with_if_range) {
  std::string storage;
  wire::http::Fields out;
  append_part_request({10, 19}, "\"a\"", storage, out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].value, "bytes=10-19");
  EXPECT_EQ(out[1].id, wire::http::FieldId::kIfRange);
  EXPECT_EQ(out[1].value, "\"a\"");
}

TEST(Partial, rfc9110_15_3_7_3_a_part_has_the_same_strong_tag_and_length_and_the_range_asked_for) {
  const auto judge = [&](const model::StoredResponse& record, std::string_view tag = "\"a\"") {
    return judge_part(record, tag, whole(), "\"a\"", {10, 19});
  };
  EXPECT_EQ(judge(part(10, 19)), PartOutcome::kPart);
  EXPECT_EQ(judge(part(10, 12)), PartOutcome::kUnusable);
  EXPECT_EQ(judge(part(5, 50)), PartOutcome::kUnusable);
  EXPECT_EQ(judge(part(10, 19), "\"b\""), PartOutcome::kChanged);
  EXPECT_EQ(judge(part(10, 19), "W/\"a\""), PartOutcome::kChanged);
  EXPECT_EQ(judge(part(10, 19), ""), PartOutcome::kChanged);
  EXPECT_EQ(judge(part(10, 19, 200)), PartOutcome::kChanged);
  EXPECT_EQ(judge(whole()), PartOutcome::kChanged);
  EXPECT_EQ(judge(testing::record(416, {})), PartOutcome::kChanged);
  EXPECT_EQ(judge(testing::record(206, {})), PartOutcome::kUnusable);
  EXPECT_EQ(judge(testing::record(503, {})), PartOutcome::kUnusable);
}

}  // namespace
}  // namespace headgate::decide::cache
