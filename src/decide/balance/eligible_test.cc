#include "decide/balance/eligible.h"

#include <gtest/gtest.h>

#include <map>

#include "base/prng.h"

namespace headgate::decide::balance {
namespace {

// `available` of `all` endpoints at one priority.
void add_level(std::vector<Target>& targets, std::uint32_t priority, int available, int all) {
  for (int i = 0; i < all; ++i) {
    Target t;
    t.priority = priority;
    t.available = i < available;
    t.identity = targets.size() + 1;
    targets.push_back(t);
  }
}

std::map<std::uint32_t, double> load_of(const Eligible& eligible) {
  std::map<std::uint32_t, double> load;
  std::uint64_t before = 0;
  for (const Group& g : eligible.groups) {
    load[g.priority] +=
        static_cast<double>(g.share_end - before) / static_cast<double>(Eligible::kAllRequests);
    before = g.share_end;
  }
  return load;
}

TEST(Eligible, TheNextLevelTakesWhatTheHealthyPartOfThisOneCannotCarry) {
  const std::vector<std::tuple<int, int, double>> cases = {
      {10, 10, 0.0}, {8, 10, 0.0}, {7, 10, 0.02}, {5, 10, 0.3}, {1, 10, 0.86}, {0, 10, 1.0}};
  for (const auto& [available, second, spilled] : cases) {
    std::vector<Target> targets;
    add_level(targets, 0, available, 10);
    add_level(targets, 3, second, 10);
    auto load = load_of(build_eligible(targets, {}));
    EXPECT_NEAR(load[0], 1 - spilled, 1e-6) << available;
    EXPECT_NEAR(load[3], spilled, 1e-6) << available;
  }
}

TEST(Eligible, LevelsThatTogetherCannotCarryAllShareItInProportion) {
  std::vector<Target> targets;
  add_level(targets, 0, 3, 10);  // 0.42
  add_level(targets, 1, 1, 10);  // 0.14
  auto load = load_of(build_eligible(targets, {}));
  EXPECT_NEAR(load[0], 0.75, 1e-6);
  EXPECT_NEAR(load[1], 0.25, 1e-6);
}

TEST(Eligible, BelowThePanicThresholdHealthIsIgnored) {
  std::vector<Target> targets;
  add_level(targets, 0, 4, 10);
  Eligible eligible = build_eligible(targets, {});
  ASSERT_EQ(eligible.groups.size(), 1U);
  EXPECT_TRUE(eligible.groups[0].panic);
  EXPECT_EQ(eligible.groups[0].members.size(), 10U);
  targets[4].available = true;
  eligible = build_eligible(targets, {});
  EXPECT_FALSE(eligible.groups[0].panic);
  EXPECT_EQ(eligible.groups[0].members.size(), 5U);
}

TEST(Eligible, NoPanicWhileAnotherLevelCarriesTheLoad) {
  std::vector<Target> targets;
  add_level(targets, 0, 1, 10);
  add_level(targets, 1, 10, 10);
  const Eligible eligible = build_eligible(targets, {});
  ASSERT_EQ(eligible.groups.size(), 2U);
  EXPECT_EQ(eligible.groups[0].members.size(), 1U);
  EXPECT_FALSE(eligible.groups[0].panic);
}

TEST(Eligible, HealthNeverEmptiesTheSetEvenWithoutAPanicThreshold) {
  std::vector<Target> targets;
  add_level(targets, 2, 0, 3);
  add_level(targets, 5, 0, 3);
  model::LoadBalancing settings;
  settings.panic_threshold_percent = 0;
  const Eligible eligible = build_eligible(targets, settings);
  ASSERT_EQ(eligible.groups.size(), 1U);
  EXPECT_EQ(eligible.groups[0].members, (std::vector<std::uint32_t>{0, 1, 2}));
}

TEST(Eligible, LocalEndpointsTakeWhatTheyCanCarryAndTheRestGoesElsewhere) {
  std::vector<Target> targets;
  add_level(targets, 0, 8, 8);
  for (std::size_t i = 0; i < 4; ++i) targets[i].same_locality = true;
  model::LoadBalancing settings;
  settings.locality_aware = true;
  Eligible eligible = build_eligible(targets, settings);
  ASSERT_EQ(eligible.groups.size(), 1U);
  EXPECT_EQ(eligible.groups[0].members, (std::vector<std::uint32_t>{0, 1, 2, 3}));

  targets[0].available = targets[1].available = false;  // half of the local ones: 0.7
  eligible = build_eligible(targets, settings);
  ASSERT_EQ(eligible.groups.size(), 2U);
  EXPECT_NEAR(static_cast<double>(eligible.groups[0].share_end), 0.7 * 0x1p32, 10);
  EXPECT_EQ(eligible.groups[0].members, (std::vector<std::uint32_t>{2, 3}));
  EXPECT_EQ(eligible.groups[1].members.size(), 4U);

  targets[2].available = targets[3].available = false;
  eligible = build_eligible(targets, settings);
  ASSERT_EQ(eligible.groups.size(), 1U);
  EXPECT_EQ(eligible.groups[0].members, (std::vector<std::uint32_t>{4, 5, 6, 7}));

  for (std::size_t i = 4; i < 8; ++i) targets[i].available = false;
  targets[0].available = targets[1].available = targets[2].available = targets[3].available = true;
  settings.panic_threshold_percent = 0;
  EXPECT_EQ(build_eligible(targets, settings).groups[0].members,
            (std::vector<std::uint32_t>{0, 1, 2, 3}));
}

// Whatever the health: shares end at one, no group is empty, no weightless target is in,
// unavailable ones only in panic.
TEST(Eligible, HoldsItsInvariantsForRandomHealth) {
  Prng prng(4);
  int panics = 0;
  for (int round = 0; round < 3000; ++round) {
    std::vector<Target> targets;
    for (std::uint64_t i = 0, n = 1 + prng.below(12); i < n; ++i)
      targets.push_back({static_cast<std::uint32_t>(prng.below(4)),
                         prng.below(2) == 0,
                         0,
                         {},
                         static_cast<std::uint32_t>(prng.below(3)),
                         prng.below(2) == 0,
                         i});
    model::LoadBalancing settings;
    settings.locality_aware = prng.below(2);
    const Eligible eligible = build_eligible(targets, settings);
    bool any_weight = false;
    for (const Target& t : targets) any_weight = any_weight || t.weight > 0;
    ASSERT_EQ(eligible.groups.empty(), !any_weight);
    if (any_weight) {
      ASSERT_EQ(eligible.groups.back().share_end, Eligible::kAllRequests);
    }
    for (const Group& g : eligible.groups) {
      ASSERT_FALSE(g.members.empty());
      panics += g.panic;
      for (const std::uint32_t i : g.members) {
        ASSERT_GT(targets[i].weight, 0U);
        ASSERT_TRUE(g.panic || targets[i].available);
      }
    }
  }
  EXPECT_GT(panics, 100);
}

}  // namespace
}  // namespace headgate::decide::balance
