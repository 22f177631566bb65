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

TEST(Partial, rfc9111_4_3_1_a_missing_part_is_asked_for_with_if_range) {
  std::string storage;
  wire::http::Fields out;
  append_part_request({10, 19}, "\"a\"", storage, out);
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].value, "bytes=10-19");
  EXPECT_EQ(out[1].id, wire::http::FieldId::kIfRange);
  EXPECT_EQ(out[1].value, "\"a\"");
  out.clear();
  append_part_request({10, 19}, "W/\"a\"", storage, out);
  EXPECT_EQ(out.size(), 1U);
}

TEST(Partial, rfc9110_15_3_7_3_parts_combine_with_the_same_strong_tag_and_length) {
  EXPECT_TRUE(may_combine(part(0, 9), "\"a\"", part(10, 19), "\"a\""));
  EXPECT_FALSE(may_combine(part(0, 9), "\"a\"", part(10, 19), "\"b\""));
  EXPECT_FALSE(may_combine(part(0, 9), "W/\"a\"", part(10, 19), "W/\"a\""));
  EXPECT_FALSE(may_combine(part(0, 9), "", part(10, 19), ""));
  EXPECT_FALSE(may_combine(part(0, 9), "\"a\"", part(10, 19, 101), "\"a\""));
  EXPECT_FALSE(may_combine(part(0, 9), "\"a\"", testing::record(200, {}), "\"a\""));
}

TEST(Partial, rfc9111_3_4_parts_that_touch_or_overlap_are_joined) {
  EXPECT_EQ(joined_range(part(0, 9), part(10, 19)), (ByteRange{0, 19}));
  EXPECT_EQ(joined_range(part(5, 30), part(0, 9)), (ByteRange{0, 30}));
  EXPECT_EQ(joined_range(part(0, 50), part(10, 19)), (ByteRange{0, 50}));
  EXPECT_FALSE(joined_range(part(0, 9), part(11, 19)));
  EXPECT_FALSE(joined_range(part(11, 19), part(0, 9)));
}

TEST(Partial, rfc9110_15_3_7_3_all_bytes_together_are_a_complete_200) {
  const auto more = combine(part(10, 19), {0, 19});
  EXPECT_EQ(more.status, 206);
  EXPECT_TRUE(more.has(model::kPartial));
  EXPECT_EQ(more.last, 19U);
  const auto all = combine(part(50, 99), {0, 99});
  EXPECT_EQ(all.status, 200);
  EXPECT_FALSE(all.has(model::kPartial));
  EXPECT_EQ(all.complete_length, 100U);
}

TEST(Partial, rfc9111_3_4_what_came_back_is_a_part_the_whole_or_another_representation) {
  const auto stored = part(0, 9);
  const auto judge = [&](const model::StoredResponse& record, std::string_view tag = "\"a\"") {
    return judge_part(record, tag, stored, "\"a\"", {10, 19});
  };
  EXPECT_EQ(judge(part(10, 19)), PartOutcome::kPart);
  EXPECT_EQ(judge(part(10, 12)), PartOutcome::kPart);
  EXPECT_EQ(judge(part(5, 50)), PartOutcome::kPart);
  EXPECT_EQ(judge(part(11, 19)), PartOutcome::kUnusable);
  EXPECT_EQ(judge(part(10, 19), "\"b\""), PartOutcome::kChanged);
  EXPECT_EQ(judge(part(10, 19, 200)), PartOutcome::kChanged);
  EXPECT_EQ(judge(testing::record(200, {})), PartOutcome::kWhole);
  EXPECT_EQ(judge(testing::record(206, {})), PartOutcome::kUnusable);
  EXPECT_EQ(judge(testing::record(416, {})), PartOutcome::kUnusable);
}

}  // namespace
}  // namespace headgate::decide::cache
