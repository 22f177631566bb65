#include "decide/cache/age.h"

#include <gtest/gtest.h>

#include <limits>

#include "decide/cache/exchange_for_test.h"

namespace headgate::decide::cache {
namespace {

using testing::at;
using testing::fields;
using testing::kNowSeconds;

double initial(std::optional<std::uint32_t> age, double date, double sent, double received) {
  return static_cast<double>(initial_age_ns(age, kNowSeconds + static_cast<std::int64_t>(date),
                                            {at(sent), at(received)})) /
         1e9;
}

TEST(Age, rfc9111_4_2_3_the_larger_of_apparent_and_corrected_age_is_the_initial_age) {
  EXPECT_EQ(initial(std::nullopt, -30, 0, 0), 30);
  EXPECT_EQ(initial(50, -30, 0, 0), 50);
  EXPECT_EQ(initial(10, -30, 0, 0), 30);
}

TEST(Age, rfc9111_4_2_3_the_delay_of_the_response_counts_to_the_age) {
  EXPECT_EQ(initial(50, 0, -2.5, 0), 52.5);
  EXPECT_EQ(initial(std::nullopt, 0, -2.5, 0), 2.5);
}

TEST(Age, rfc9111_4_2_3_a_date_in_the_future_is_clock_skew_and_makes_no_age) {
  EXPECT_EQ(initial(std::nullopt, 3600, 0, 0), 0);
  EXPECT_EQ(initial(7, 3600, 0, 0), 7);
}

TEST(Age, ADateOfTheSameSecondMakesNoAge) { EXPECT_EQ(initial(std::nullopt, 0, 0.9, 0.9), 0); }

TEST(Age, AClockThatStepsBackDuringTheExchangeMakesNoNegativeDelay) {
  EXPECT_EQ(initial(5, 0, 100, 0), 5);
}

TEST(Age, rfc9111_5_1_the_first_member_counts_and_what_is_no_number_is_ignored) {
  EXPECT_EQ(parse_age(fields({{"age", "10"}})), 10U);
  EXPECT_EQ(parse_age(fields({{"age", "10, 20"}})), 10U);
  EXPECT_EQ(parse_age(fields({{"age", "10"}, {"age", "20"}})), 10U);
  EXPECT_EQ(parse_age(fields({{"age", "99999999999"}})), wire::http::kDeltaSecondsMax);
  for (const char* bad : {"", "-1", "1.5", "x", "1 2", "\"1\""})
    EXPECT_FALSE(parse_age(fields({{"age", bad}}))) << bad;
  EXPECT_FALSE(parse_age(fields({})));
}

TEST(Age, rfc9111_4_2_3_the_time_in_the_cache_counts_to_the_age) {
  const auto stored = testing::record(200, {{"age", "10"}}, 0);
  EXPECT_EQ(current_age_ns(stored, at(7.25)), 17'250'000'000);
}

TEST(Age, Row28AClockThatStepsBackNeverMakesAResponseYoungerThanItCame) {
  const auto stored = testing::record(200, {{"age", "10"}}, 0);
  EXPECT_EQ(current_age_ns(stored, at(-100)), 10'000'000'000);
  EXPECT_FALSE(is_from_the_future(stored, at(-5)));
  EXPECT_TRUE(is_from_the_future(stored, at(-5.001)));
}

TEST(Age, TheEndsOfTimeAreAges) {
  constexpr auto kMin = std::numeric_limits<std::int64_t>::min();
  constexpr auto kMax = std::numeric_limits<std::int64_t>::max();
  EXPECT_GT(initial_age_ns(0xffffffffU, kMin, {{kMin}, {kMax}}), 0);
  EXPECT_EQ(initial_age_ns(std::nullopt, kMax, {{kMax}, {kMin}}), 0);
  model::StoredResponse stored;
  stored.response_time_ns = kMin;
  stored.initial_age_ns = kMax;
  EXPECT_GT(current_age_ns(stored, {kMax}), 0);
  EXPECT_FALSE(is_from_the_future(stored, {kMax}));
}

}  // namespace
}  // namespace headgate::decide::cache
