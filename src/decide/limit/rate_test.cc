#include "decide/limit/rate.h"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <vector>

#include "base/prng.h"
#include "decide/limit/rate_key.h"

namespace headgate::decide::limit {
namespace {

constexpr Limits kTenASecond = limits_of(10, 1s, 1);

static_assert(kTenASecond.period_ns == 100'000'000 && kTenASecond.tolerance_ns == 0);
static_assert(take({}, kTenASecond, {5}).allowed);
static_assert(!take(take({}, kTenASecond, {5}).next, kTenASecond, {6}).allowed);

TEST(Rate, TakesOverASpanAreTheRateTimesTheSpanForEveryCallSpacing) {
  for (const std::int64_t spacing_us : {7, 1000, 33'333, 99'999, 100'000}) {
    Bucket bucket;
    std::int64_t allowed = 0;
    const std::int64_t span_us = 20'000'000;
    for (std::int64_t t = 0; t < span_us; t += spacing_us) {
      const Taken taken = take(bucket, kTenASecond, {t * 1000});
      bucket = taken.next;
      allowed += taken.allowed;
    }
    EXPECT_LE(allowed, 200) << spacing_us;
    const std::int64_t slots_of_call =
        (100'000 + spacing_us - 1) / spacing_us;  // a take waits for the next call
    EXPECT_GE(allowed, span_us / (slots_of_call * spacing_us)) << spacing_us;
  }
}

TEST(Rate, ABurstIsAllowedAtOnceAndRefillsAtTheEvenPace) {
  const Limits limits = limits_of(10, 1s, 5);
  Bucket bucket;
  const auto drain = [&](Instant now) {
    int n = 0;
    for (Taken t; (t = take(bucket, limits, now)).allowed; ++n) bucket = t.next;
    return n;
  };
  EXPECT_EQ(drain({1'000'000'000}), 5);
  EXPECT_EQ(drain({1'099'999'999}), 0);
  EXPECT_EQ(drain({1'100'000'000}), 1);
  EXPECT_EQ(drain({1'300'000'000}), 2);
  EXPECT_EQ(drain({9'000'000'000}), 5);
}

TEST(Rate, AClockThatStepsBackNeverMints) {
  const Limits limits = limits_of(10, 1s, 3);
  Prng prng(11);
  for (int round = 0; round < 200; ++round) {
    Bucket bucket;
    std::int64_t latest = 0, allowed = 0;
    for (int i = 0; i < 300; ++i) {
      const auto now = static_cast<std::int64_t>(prng.below(5'000'000'000));
      latest = std::max(latest, now);
      const Taken taken = take(bucket, limits, {now});
      bucket = taken.next;
      allowed += taken.allowed;
    }
    EXPECT_LE(allowed, latest / limits.period_ns + 3);
  }
}

TEST(Rate, TheWaitIsExactlyWhenTheNextTakeSucceeds) {
  const Limits limits = limits_of(3, 1s, 2);
  Bucket bucket;
  const Instant now{7};
  while (take(bucket, limits, now).allowed) bucket = take(bucket, limits, now).next;
  const Duration wait = wait_for(bucket, limits, now);
  EXPECT_GT(wait, Duration::zero());
  EXPECT_TRUE(take(bucket, limits, now + wait).allowed);
  EXPECT_FALSE(take(bucket, limits, now + wait - 1ns).allowed);
  EXPECT_EQ(wait_for({}, limits, now), Duration::zero());
}

TEST(Rate, LimitsRoundSoThatTheRateIsNeverExceededAndExtremesSaturate) {
  EXPECT_EQ(limits_of(3, 1s, 1).period_ns, 333'333'334);
  EXPECT_EQ(limits_of(UINT64_MAX, 1s, 1).period_ns, 1);
  EXPECT_EQ(limits_of(1, 1s, UINT64_MAX).tolerance_ns, kForeverNs);
  EXPECT_EQ(limits_of(5, 1s, 0).tolerance_ns, 0);
  EXPECT_FALSE(take({}, limits_of(0, 1s, 5), {1'000'000'000'000}).allowed);
}

TEST(Rate, RetryAfterIsWholeSecondsRoundedUpAndAtLeastOne) {
  EXPECT_EQ(retry_after_seconds(0ns), 1);
  EXPECT_EQ(retry_after_seconds(1s), 1);
  EXPECT_EQ(retry_after_seconds(1s + 1ns), 2);
}

std::uint64_t key_of(std::uint64_t seed, std::initializer_list<std::string_view> parts) {
  RateKey key(seed);
  for (const auto part : parts) key.add(part);
  return key.value();
}

TEST(RateKey, PartsKeepTheirBoundsAndAnAbsentPartIsNotAnEmptyOne) {
  EXPECT_NE(key_of(1, {"ab", "c"}), key_of(1, {"a", "bc"}));
  EXPECT_NE(key_of(1, {"a", ""}), key_of(1, {"", "a"}));
  EXPECT_NE(key_of(1, {"a"}), key_of(1, {"a", ""}));
  EXPECT_EQ(key_of(1, {"a", "b"}), key_of(1, {"a", "b"}));
  EXPECT_NE(key_of(1, {"a", "b"}), key_of(2, {"a", "b"}));
  RateKey absent(1);
  absent.add_absent();
  EXPECT_NE(absent.value(), key_of(1, {""}));
}

TEST(RateKey, BytesChosenToCancelTheHashDoNotErasePartsBefore) {
  const std::uint64_t cancel = 0xe7037ed1a0b428dbULL;  // makes one factor of hash64 zero
  std::string chosen(reinterpret_cast<const char*>(&cancel), 8);
  chosen += "12345678";
  std::set<std::uint64_t> keys;
  for (int tenant = 0; tenant < 1000; ++tenant)
    keys.insert(key_of(9, {std::to_string(tenant), chosen, "x"}));
  EXPECT_EQ(keys.size(), 1000U);
}

}  // namespace
}  // namespace headgate::decide::limit
