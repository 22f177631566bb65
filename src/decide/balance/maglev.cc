#include "decide/balance/maglev.h"

#include <algorithm>
#include <numeric>

#include "base/hash.h"

namespace headgate::decide::balance {
namespace {

constexpr std::uint16_t kFree = UINT16_MAX;

// Walks a permutation of all slots: kSlots is prime, so every skip visits each slot once.
struct Turn {
  std::uint16_t member = 0;
  std::uint32_t next = 0, skip = 1;
  std::uint64_t credit = 0, weight = 1;
};

Turn turn_of(const HashMember& member, std::size_t index) {
  const auto next = static_cast<std::uint32_t>(scramble64(member.identity ^ 0x51ed270b7a1fULL) %
                                               MaglevTable::kSlots);
  const auto skip = static_cast<std::uint32_t>(scramble64(member.identity ^ 0xc3a5c85c97cbULL) %
                                               (MaglevTable::kSlots - 1)) +
                    1;
  return {static_cast<std::uint16_t>(index), next, skip, 0, member.weight};
}

void take_slot(Turn& turn, std::vector<std::uint16_t>& slots) {
  while (slots[turn.next] != kFree) turn.next = (turn.next + turn.skip) % MaglevTable::kSlots;
  slots[turn.next] = turn.member;
}

std::vector<Turn> turns_in_stable_order(std::span<const HashMember> members) {
  std::vector<Turn> turns;
  std::vector<std::size_t> order(std::min(members.size(), MaglevTable::kMembersMax));
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return members[a].identity < members[b].identity;
  });
  turns.reserve(order.size());
  for (const std::size_t i : order) turns.push_back(turn_of(members[i], i));
  return turns;
}

}  // namespace

MaglevTable::MaglevTable(std::span<const HashMember> members) {
  if (members.empty()) return;
  std::vector<Turn> turns = turns_in_stable_order(members);
  std::uint64_t heaviest = 1;
  for (const Turn& turn : turns) heaviest = std::max(heaviest, turn.weight);
  slots_.assign(kSlots, kFree);
  // The heaviest takes one slot a round, the others one whenever their weights have added up to as
  // much.
  for (std::uint32_t filled = 0; filled < kSlots;) {
    for (Turn& turn : turns) {
      turn.credit += turn.weight;
      if (turn.credit < heaviest) continue;
      turn.credit -= heaviest;
      take_slot(turn, slots_);
      if (++filled == kSlots) break;
    }
  }
}

}  // namespace headgate::decide::balance
