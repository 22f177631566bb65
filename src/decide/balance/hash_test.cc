#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/prng.h"
#include "decide/balance/maglev.h"
#include "decide/balance/ring.h"
#include "decide/balance/target.h"

namespace headgate::decide::balance {
namespace {

std::vector<HashMember> members(int n, std::uint32_t weight = 1) {
  std::vector<HashMember> out;
  for (int i = 0; i < n; ++i)
    out.push_back({identity_of("10.1.0." + std::to_string(i) + ":80"), weight});
  return out;
}

std::vector<HashMember> without(std::vector<HashMember> all, std::size_t i) {
  all.erase(all.begin() + static_cast<std::ptrdiff_t>(i));
  return all;
}

TEST(Maglev, SlotsFollowWeightsWithinOnePercent) {
  auto m = members(20);
  for (std::size_t i = 0; i < m.size(); ++i) m[i].weight = static_cast<std::uint32_t>(i % 4 + 1);
  const MaglevTable table(m);
  std::vector<double> slots(m.size());
  for (std::uint32_t i = 0; i < MaglevTable::kSlots; ++i) ++slots[table.member_at(0, i)];
  for (std::size_t i = 0; i < m.size(); ++i)
    EXPECT_NEAR(slots[i], 65537.0 * m[i].weight / 50, 65537.0 * m[i].weight / 50 * 0.01 + 2);
}

TEST(Maglev, RemovingOneMovesAllOfItsKeysAndFewOthers) {
  const auto all = members(30);
  const MaglevTable before(all);
  for (const std::size_t gone : {0UL, 13UL, 29UL}) {
    const auto rest = without(all, gone);
    const MaglevTable after(rest);
    Prng prng(gone);
    int moved = 0;
    constexpr int kKeys = 20'000;
    for (int i = 0; i < kKeys; ++i) {
      const std::uint64_t hash = prng.next();
      const auto& old_home = all[before.member_at(hash)];
      const auto& new_home = rest[after.member_at(hash)];
      if (old_home.identity != all[gone].identity && old_home.identity != new_home.identity)
        ++moved;
    }
    EXPECT_LT(moved, kKeys * 4 / 100) << gone;
  }
}

TEST(Maglev, MoreMembersThanSlotsStillFillsTheTable) {
  std::vector<HashMember> many;
  for (std::uint64_t i = 0; i < 70'000; ++i) many.push_back({scramble64(i), 1});
  const MaglevTable table(many);
  for (std::uint32_t i = 0; i < MaglevTable::kSlots; ++i)
    ASSERT_LT(table.member_at(0, i), MaglevTable::kMembersMax);
}

TEST(HashRing, WhenAMemberGoesOnlyItsOwnKeysMove) {
  auto all = members(25);
  for (std::size_t i = 0; i < all.size(); ++i)
    all[i].weight = static_cast<std::uint32_t>(i % 3 + 1);
  const HashRing before(all, 3, all.size());
  for (std::size_t gone = 0; gone < all.size(); ++gone) {
    const auto rest = without(all, gone);
    const HashRing after(rest, 3, all.size());
    Prng prng(gone);
    for (int i = 0; i < 2000; ++i) {
      const std::uint64_t hash = prng.next();
      const std::uint64_t old_home = all[before.member_at(hash)].identity;
      if (old_home != all[gone].identity) {
        ASSERT_EQ(old_home, rest[after.member_at(hash)].identity);
      }
    }
  }
}

TEST(HashRing, StepsGoRoundTheWholeRing) {
  const HashRing ring(members(3), 1, 3);
  EXPECT_EQ(ring.size(), 3 * HashRing::kPointsOfHeaviest);
  EXPECT_EQ(ring.member_at(UINT64_MAX, 0),
            ring.member_at(UINT64_MAX, static_cast<std::uint32_t>(ring.size())));
  EXPECT_EQ(ring.member_at(UINT64_MAX), ring.member_at(0));
}

TEST(HashRing, ManyMembersGetFewerPointsEach) {
  const HashRing ring(members(20'000), 1, 20'000);
  EXPECT_LE(ring.size(), HashRing::kPointsMax);
  EXPECT_GE(ring.size(), 20'000U);
}

}  // namespace
}  // namespace headgate::decide::balance
