#include "decide/limit/rate_table.h"

#include <gtest/gtest.h>

#include <thread>
#include <unordered_map>
#include <vector>

#include "base/prng.h"

namespace headgate::decide::limit {
namespace {

constexpr Instant at(std::int64_t ms) { return {ms * 1'000'000}; }

// Multiply-shift picks the group by the high bits.
std::uint64_t key(std::uint64_t i) { return scramble64(i + 1) | 1; }

TEST(RateTable, ManyThreadsOnOneKeyGetExactlyTheBurst) {
  RateTable table(limits_of(1, 3600s, 1000), 100, OnOverflow::kDeny);
  std::atomic<int> allowed{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 1000; ++i) allowed += table.take(42, at(1000)).allowed;
    });
  for (auto& t : threads) t.join();
  EXPECT_EQ(allowed.load(), 1000);
}

// Few groups and short refills, so that slots change hands all the time while other threads take
// from them.
TEST(RateTable, NoKeyEverGetsMoreThanItsRateWhileSlotsChangeHands) {
  constexpr std::uint64_t kKeys = 40;
  constexpr std::int64_t kSteps = 4000;
  const Limits limits = limits_of(1000, 1s, 2);  // a millisecond each
  RateTable table(limits, 15, OnOverflow::kDeny);
  std::vector<std::array<std::atomic<int>, kKeys>> allowed(1);
  std::atomic<std::int64_t> clock_us{1000};
  std::vector<std::thread> threads;
  for (std::uint64_t t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      Prng prng(t);
      for (std::int64_t i = 0; i < kSteps; ++i) {
        const Instant now{clock_us.fetch_add(5) * 1000};
        const std::uint64_t k = prng.below(kKeys);
        allowed[0][k] += table.take(key(k), now).allowed;
      }
    });
  for (auto& t : threads) t.join();
  const std::int64_t span_ns = 4 * kSteps * 5 * 1000;
  int total = 0;
  for (auto& n : allowed[0]) {
    EXPECT_LE(n.load(), span_ns / limits.period_ns + 2);
    total += n.load();
  }
  EXPECT_GT(total, 800);
}

TEST(RateTable, AgreesWithOneBucketForEachKeyWhileItIsNotFull) {
  const Limits limits = limits_of(20, 1s, 3);
  RateTable table(limits, 1000, OnOverflow::kAllow);
  std::unordered_map<std::uint64_t, Bucket> naive;
  Prng prng(8);
  std::int64_t now = 1;
  for (int i = 0; i < 50'000; ++i) {
    now += static_cast<std::int64_t>(prng.below(2'000'000));
    const std::uint64_t k = key(prng.below(100));
    const Taken taken = take(naive[k], limits, {now});
    naive[k] = taken.next;
    const Verdict verdict = table.take(k, {now});
    ASSERT_EQ(verdict.allowed, taken.allowed) << i;
    ASSERT_FALSE(verdict.overflowed);
    if (!taken.allowed) {
      ASSERT_EQ(verdict.wait, wait_for(taken.next, limits, {now}));
    }
  }
}

TEST(RateTable, OnlyBucketsThatAreFullAgainAreForgotten) {
  RateTable table(limits_of(1, 1s, 1), 1, OnOverflow::kDeny);
  ASSERT_EQ(table.slots(), 15U);
  for (std::uint64_t k = 1; k <= 15; ++k) EXPECT_TRUE(table.take(k, at(1000)).allowed);
  for (std::uint64_t k = 1; k <= 15; ++k) EXPECT_FALSE(table.take(k, at(1500)).allowed);
  EXPECT_TRUE(table.take(16, at(1999)).overflowed);
  EXPECT_EQ(table.overflows(), 1U);
  const Verdict later = table.take(16, at(2000));
  EXPECT_TRUE(later.allowed);
  EXPECT_FALSE(later.overflowed);
}

TEST(RateTable, AFullTableFailsOpenOrClosedAsItsOwnerChose) {
  for (const OnOverflow choice : {OnOverflow::kAllow, OnOverflow::kDeny}) {
    RateTable table(limits_of(1, 60s, 1), 1, choice);
    for (std::uint64_t k = 1; k <= 15; ++k) table.take(k, at(1000));
    const Verdict verdict = table.take(99, at(1000));
    EXPECT_TRUE(verdict.overflowed);
    EXPECT_EQ(verdict.allowed, choice == OnOverflow::kAllow);
  }
}

TEST(RateTable, AForgottenKeyComesBackNoRicherToAClockThatLagsBehind) {
  RateTable table(limits_of(1, 1s, 1), 1, OnOverflow::kDeny);
  for (std::uint64_t k = 1; k <= 15; ++k) table.take(k, at(1000));
  for (std::uint64_t k = 21; k <= 35; ++k) EXPECT_TRUE(table.take(k, at(2000)).allowed);
  EXPECT_FALSE(table.take(1, at(1999)).allowed);
}

TEST(RateTable, ALimitOfNothingAllowsNothing) {
  RateTable table(limits_of(0, 1s, 1), 10, OnOverflow::kAllow);
  EXPECT_FALSE(table.take(5, at(1000)).allowed);
}

}  // namespace
}  // namespace headgate::decide::limit
