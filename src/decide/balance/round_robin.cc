#include "decide/balance/round_robin.h"

#include <algorithm>

namespace headgate::decide::balance {

// Exact: fractions are compared by cross-multiplication.
bool RoundRobin::later(const Due& a, const Due& b) {
  const auto left = static_cast<unsigned __int128>(a.turns) * b.weight;
  const auto right = static_cast<unsigned __int128>(b.turns) * a.weight;
  return left != right ? left > right : a.member > b.member;
}

RoundRobin::RoundRobin(const Eligible& eligible, std::span<const Target> targets, Prng& prng) {
  for (const Group& group : eligible.groups) {
    Turns turns;
    turns.count = static_cast<std::uint32_t>(group.members.size());
    turns.at = static_cast<std::uint32_t>(prng.below(turns.count));
    if (!group.weight_ends.empty()) {
      for (std::uint32_t i = 0; i < turns.count; ++i)
        turns.heap.push_back({2 * i + 1, targets[group.members[i]].weight, i});
      std::make_heap(turns.heap.begin(), turns.heap.end(), later);
      for (std::uint64_t skip = prng.below(turns.count); skip > 0; --skip) next(turns);
    }
    groups_.push_back(std::move(turns));
  }
}

std::uint32_t RoundRobin::next(Turns& turns) {
  if (turns.heap.empty()) {
    turns.at = turns.at + 1 < turns.count ? turns.at + 1 : 0;
    return turns.at;
  }
  std::pop_heap(turns.heap.begin(), turns.heap.end(), later);
  Due& due = turns.heap.back();
  const std::uint32_t member = due.member;
  due.turns += std::uint64_t{2} * turns.count;
  std::push_heap(turns.heap.begin(), turns.heap.end(), later);
  return member;
}

std::uint32_t RoundRobin::next(std::size_t group) { return next(groups_[group]); }

}  // namespace headgate::decide::balance
