#include "decide/balance/pick.h"

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <string>
#include <vector>

namespace headgate::decide::balance {
namespace {

using model::BalancePolicy;

constexpr std::array kPolicies = {BalancePolicy::kRoundRobin, BalancePolicy::kLeastRequest,
                                  BalancePolicy::kRandom, BalancePolicy::kMaglev,
                                  BalancePolicy::kRingHash};

std::vector<Target> targets_of(std::initializer_list<std::uint32_t> weights) {
  std::vector<Target> targets;
  for (const std::uint32_t w : weights) {
    Target t;
    t.weight = w;
    t.identity = identity_of("10.0.0." + std::to_string(targets.size()) + ":80");
    targets.push_back(t);
  }
  return targets;
}

model::LoadBalancing with(BalancePolicy policy) {
  model::LoadBalancing settings;
  settings.policy = policy;
  return settings;
}

// Picks for `targets` under one policy; every request has another hash.
struct Bench {
  Bench(std::vector<Target> t, const model::LoadBalancing& settings, std::uint64_t seed = 1)
      : targets(std::move(t)),
        prng(seed),
        eligible(build_eligible(targets, settings)),
        turns(eligible, targets, prng) {}

  std::optional<std::uint32_t> one(std::span<const std::uint32_t> excluded = {}) {
    std::uint64_t active = 0;
    for (const Target& t : targets) active += t.active;
    return pick(eligible, targets, turns, {now, scramble64(++request), active, excluded}, prng);
  }
  std::vector<int> many(int n) {
    std::vector<int> count(targets.size());
    for (int i = 0; i < n; ++i) ++count[*one()];
    return count;
  }

  std::vector<Target> targets;
  Prng prng;
  Eligible eligible;
  RoundRobin turns;
  Instant now{1'000'000'000'000};
  std::uint64_t request = 0;
};

TEST(Pick, EveryPolicySharesByWeight) {
  for (const BalancePolicy policy : kPolicies) {
    Bench bench(targets_of({1, 2, 3, 4}), with(policy));
    const auto count = bench.many(40'000);
    // Ring hash is coarse: a share of n points varies by about 1 / sqrt(n).
    const double tolerance = policy == BalancePolicy::kRingHash ? 0.25 : 0.05;
    for (std::size_t i = 0; i < 4; ++i)
      EXPECT_NEAR(count[i], 4000.0 * (static_cast<double>(i) + 1),
                  4000.0 * (static_cast<double>(i) + 1) * tolerance)
          << static_cast<int>(policy);
  }
}

TEST(Pick, AnEmptySetHasNoPickAndATargetOfWeightZeroNeverGetsOne) {
  for (const BalancePolicy policy : kPolicies) {
    EXPECT_EQ(Bench({}, with(policy)).one(), std::nullopt);
    EXPECT_EQ(Bench(targets_of({0, 0}), with(policy)).one(), std::nullopt);
    Bench bench(targets_of({0, 1}), with(policy));
    bench.targets[1].available = false;
    bench.eligible = build_eligible(bench.targets, with(policy));
    EXPECT_EQ(bench.many(100)[0], 0);
  }
}

TEST(Pick, ExcludedTargetsAreNeverPickedAndNoneIsLeftWhenAllAre) {
  for (const BalancePolicy policy : kPolicies) {
    Bench bench(targets_of({1, 100, 1}), with(policy));
    const std::array<std::uint32_t, 2> two = {1, 2};
    for (int i = 0; i < 200; ++i) EXPECT_EQ(bench.one(two), 0U);
    const std::array<std::uint32_t, 3> all = {0, 1, 2};
    EXPECT_EQ(bench.one(all), std::nullopt);
  }
}

TEST(Pick, AnExcludedLevelPassesARetryToTheNextOne) {
  auto targets = targets_of({1, 1});
  targets[1].priority = 1;
  Bench bench(targets, with(BalancePolicy::kRoundRobin));
  const std::array<std::uint32_t, 1> first = {0};
  EXPECT_EQ(bench.one(), 0U);
  EXPECT_EQ(bench.one(first),
            std::nullopt);  // the second level has no share while the first is whole
  bench.targets[0].available = false;
  bench.eligible = build_eligible(bench.targets, with(BalancePolicy::kRoundRobin));
  bench.turns = RoundRobin(bench.eligible, bench.targets, bench.prng);
  EXPECT_EQ(bench.one(first), 1U);
}

TEST(RoundRobin, EachPeriodGivesEveryMemberExactlyItsWeight) {
  Bench bench(targets_of({5, 1, 1, 3}), with(BalancePolicy::kRoundRobin));
  for (int period = 0; period < 50; ++period)
    EXPECT_EQ(bench.many(10), (std::vector<int>{5, 1, 1, 3}));
}

TEST(RoundRobin, TurnsAreSpreadAndNotBunched) {
  Bench bench(targets_of({5, 1, 1}), with(BalancePolicy::kRoundRobin));
  int run = 0, longest = 0;
  for (int i = 0; i < 700; ++i) {
    run = bench.one() == 0U ? run + 1 : 0;
    longest = std::max(longest, run);
  }
  EXPECT_LE(longest, 3);
}

TEST(RoundRobin, WorkersThatStartTogetherBeginAtDifferentTargets) {
  std::vector<int> first(8);
  for (std::uint64_t seed = 0; seed < 400; ++seed)
    ++first[*Bench(targets_of({1, 1, 1, 1, 1, 1, 1, 1}), with(BalancePolicy::kRoundRobin), seed)
                 .one()];
  for (const int n : first) EXPECT_GT(n, 20);
}

TEST(LeastRequest, PrefersTheOneWithFewerRequestsForItsWeight) {
  Bench bench(targets_of({1, 1}), with(BalancePolicy::kLeastRequest));
  bench.targets[0].active = 5;
  EXPECT_EQ(bench.many(200), (std::vector<int>{0, 200}));
  Bench weighted(targets_of({1, 10}), with(BalancePolicy::kLeastRequest));
  weighted.targets[0].active = 2, weighted.targets[1].active = 10;
  EXPECT_EQ(weighted.many(200), (std::vector<int>{0, 200}));
}

TEST(LeastRequest, KeepsQueuesShorterThanRandomAndInProportionToWeight) {
  const auto longest_queue = [](BalancePolicy policy) {
    Bench bench(targets_of({1, 1, 1, 1, 1, 1, 1, 1, 1, 1}), with(policy));
    std::uint32_t longest = 0;
    for (int i = 0; i < 1000; ++i)
      longest = std::max(longest, ++bench.targets[*bench.one()].active);
    return longest;
  };
  EXPECT_LE(longest_queue(BalancePolicy::kLeastRequest), 104U);
  EXPECT_GE(longest_queue(BalancePolicy::kRandom), 110U);
}

TEST(BoundedLoad, NoPickEverExceedsTheBoundWhileItsKeyIsTheSame) {
  for (const BalancePolicy policy : {BalancePolicy::kMaglev, BalancePolicy::kRingHash}) {
    auto settings = with(policy);
    settings.bounded_load_factor = 1.25;
    Bench bench(targets_of({1, 2, 3, 4, 5}), settings);
    std::uint64_t total = 0;
    for (int i = 0; i < 3000; ++i) {
      // A hot key for two of three requests; a fifth of the time something finishes.
      const std::uint64_t hash = i % 3 ? 77 : scramble64(static_cast<std::uint64_t>(i));
      const auto at =
          *pick(bench.eligible, bench.targets, bench.turns, {bench.now, hash, total}, bench.prng);
      const double bound =
          std::ceil(1.25 * static_cast<double>(total + 1) * bench.targets[at].weight / 15.0);
      ++bench.targets[at].active, ++total;
      ASSERT_LE(bench.targets[at].active, bound) << i;
      Target& done = bench.targets[bench.prng.below(5)];
      if (i % 5 == 0 && done.active > 0) --done.active, --total;
    }
    EXPECT_GT(total, 2000U);
  }
}

TEST(HashBalancers, AKeyKeepsItsTargetWhateverTheOrderOfEndpoints) {
  for (const BalancePolicy policy : {BalancePolicy::kMaglev, BalancePolicy::kRingHash}) {
    Bench bench(targets_of({1, 2, 3}), with(policy));
    std::vector<Target> reversed(bench.targets.rbegin(), bench.targets.rend());
    Bench other(reversed, with(policy), 99);
    for (int i = 0; i < 2000; ++i)
      EXPECT_EQ(bench.targets[*bench.one()].identity, other.targets[*other.one()].identity);
  }
}

TEST(SlowStart, ANewTargetTakesTenPercentOfItsShareAndGrowsToAllOfIt) {
  for (const BalancePolicy policy : kPolicies) {
    auto settings = with(policy);
    settings.slow_start = 100s;
    Bench bench(targets_of({1, 1, 1, 1}), settings);
    Bench grown(targets_of({1, 1, 1, 1}), with(policy));
    const double whole = grown.many(20'000)[0];
    bench.targets[0].since = bench.now;
    EXPECT_NEAR(bench.many(20'000)[0], whole * 0.12, whole * 0.05) << static_cast<int>(policy);
    bench.request = 0;
    bench.now = bench.now + 50s;
    EXPECT_NEAR(bench.many(20'000)[0], whole * 0.55, whole * 0.08) << static_cast<int>(policy);
    bench.request = 0;
    bench.now = bench.now + 50s;
    EXPECT_NEAR(bench.many(20'000)[0], whole, whole * 0.05) << static_cast<int>(policy);
  }
}

TEST(SlowStart, AllTargetsNewIsLikeNoneNew) {
  auto settings = with(BalancePolicy::kRandom);
  settings.slow_start = 100s;
  Bench bench(targets_of({1, 3}), settings);
  for (Target& t : bench.targets) t.since = bench.now;
  EXPECT_NEAR(bench.many(20'000)[0], 5000, 1000);
}

TEST(RequestHash, TheFirstValueThatIsPresentDecides) {
  using Values = std::vector<std::optional<std::string_view>>;
  EXPECT_EQ(request_hash(Values{std::nullopt, "b", "c"}), request_hash(Values{"b"}));
  EXPECT_NE(request_hash(Values{"a", "b"}), request_hash(Values{"b"}));
  EXPECT_EQ(request_hash(Values{std::nullopt}), std::nullopt);
}

}  // namespace
}  // namespace headgate::decide::balance
