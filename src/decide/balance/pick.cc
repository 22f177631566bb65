#include "decide/balance/pick.h"

#include <algorithm>
#include <cmath>

namespace headgate::decide::balance {
namespace {

using model::BalancePolicy;

constexpr int kRedraws = 8;  // before a walk over all members

std::uint32_t draw_by_weight(const Group& group, Prng& prng) {
  if (group.weight_ends.empty())
    return static_cast<std::uint32_t>(prng.below(group.members.size()));
  const std::uint64_t at = prng.below(group.weight_sum);
  const auto found = std::upper_bound(group.weight_ends.begin(), group.weight_ends.end(), at);
  return static_cast<std::uint32_t>(found - group.weight_ends.begin());
}

// One pick within one group; results are indexes of targets.
class GroupPick {
 public:
  GroupPick(const Eligible& eligible, std::size_t group, std::span<const Target> targets,
            RoundRobin& turns, const PickRequest& request, Prng& prng)
      : eligible_(eligible),
        index_(group),
        group_(eligible.groups[group]),
        targets_(targets),
        turns_(turns),
        request_(request),
        prng_(prng) {}

  std::optional<std::uint32_t> run() {
    switch (eligible_.policy) {
      case BalancePolicy::kLeastRequest: return least_request();
      case BalancePolicy::kMaglev:
        if (request_.hash) return by_hash(group_.maglev, MaglevTable::kSlots);
        break;
      case BalancePolicy::kRingHash:
        if (request_.hash) return by_hash(group_.ring, group_.ring.size());
        break;
      case BalancePolicy::kRoundRobin:
      case BalancePolicy::kRandom: break;
    }
    return in_turn();
  }

 private:
  std::uint32_t target_of(std::uint32_t member) const { return group_.members[member]; }

  bool excluded(std::uint32_t target) const {
    return std::find(request_.excluded.begin(), request_.excluded.end(), target) !=
           request_.excluded.end();
  }

  double share(const Target& t) const {
    return slow_start_share(t, eligible_.slow_start, request_.now);
  }

  bool too_new(std::uint32_t target) {
    if (eligible_.slow_start <= Duration::zero()) return false;
    const double s = share(targets_[target]);
    return s < 1 && prng_.unit() >= s;
  }

  std::uint32_t draw() {
    return eligible_.policy == BalancePolicy::kRoundRobin ? turns_.next(index_)
                                                          : draw_by_weight(group_, prng_);
  }

  // Round robin and random. After the redraws any target that is not excluded, from where the last
  // draw fell.
  std::optional<std::uint32_t> in_turn() {
    std::uint32_t member = 0;
    for (int i = 0; i < kRedraws; ++i) {
      member = draw();
      if (!excluded(target_of(member)) && !too_new(target_of(member))) return target_of(member);
    }
    return first_from(member);
  }

  std::optional<std::uint32_t> first_from(std::uint32_t member) const {
    const auto count = static_cast<std::uint32_t>(group_.members.size());
    for (std::uint32_t i = 0; i < count; ++i) {
      const std::uint32_t target = target_of((member + i) % count);
      if (!excluded(target)) return target;
    }
    return std::nullopt;
  }

  std::optional<std::uint32_t> least_request() {
    const auto first = in_turn();
    if (!first || group_.members.size() == 1) return first;
    for (int i = 0; i < kRedraws; ++i) {
      const std::uint32_t second = target_of(draw_by_weight(group_, prng_));
      if (second == *first || excluded(second)) continue;
      return less_loaded(second, *first) ? second : *first;
    }
    return first;
  }

  bool less_loaded(std::uint32_t a, std::uint32_t b) const {
    const Target &x = targets_[a], &y = targets_[b];
    return static_cast<double>(x.active) * y.weight * share(y) <
           static_cast<double>(y.active) * x.weight * share(x);
  }

  bool has_room(std::uint32_t target) const {
    if (eligible_.bounded_load_factor <= 1) return true;
    const double mean = static_cast<double>(request_.active_total + 1) * targets_[target].weight /
                        static_cast<double>(group_.weight_sum);
    return targets_[target].active + 1 <= std::ceil(eligible_.bounded_load_factor * mean);
  }

  // A coin that falls the same way for the same key and target, so that keys come over one by one
  // as the share grows.
  bool too_new_for_key(std::uint32_t target) const {
    if (eligible_.slow_start <= Duration::zero()) return false;
    const double s = share(targets_[target]);
    return s < 1 && Prng(*request_.hash ^ targets_[target].identity).unit() >= s;
  }

  template <typename Table>
  std::optional<std::uint32_t> by_hash(const Table& table, std::size_t steps) {
    const std::size_t reach = std::min(steps, group_.members.size() * 4);
    for (std::uint32_t step = 0; step < reach; ++step) {
      const std::uint32_t target = target_of(table.member_at(*request_.hash, step));
      if (!excluded(target) && has_room(target) && !too_new_for_key(target)) return target;
    }
    return with_most_room();
  }

  std::optional<std::uint32_t> with_most_room() const {
    std::optional<std::uint32_t> best;
    for (const std::uint32_t target : group_.members)
      if (!excluded(target) && (!best || better(target, *best))) best = target;
    return best;
  }
  bool better(std::uint32_t a, std::uint32_t b) const {
    const bool room = has_room(a);
    return room != has_room(b) ? room : less_loaded(a, b);
  }

  const Eligible& eligible_;
  const std::size_t index_;
  const Group& group_;
  std::span<const Target> targets_;
  RoundRobin& turns_;
  const PickRequest& request_;
  Prng& prng_;
};

bool is_by_hash(BalancePolicy policy) {
  return policy == BalancePolicy::kMaglev || policy == BalancePolicy::kRingHash;
}

// Hash balancers choose by the hash, so that a key stays in its group.
std::size_t choose_group(const Eligible& eligible, const PickRequest& request, Prng& prng) {
  if (eligible.groups.size() == 1) return 0;
  const bool by_hash = request.hash && is_by_hash(eligible.policy);
  const std::uint64_t at = (by_hash ? scramble64(*request.hash) : prng.next()) >> 32;
  std::size_t group = 0;
  while (at >= eligible.groups[group].share_end) ++group;
  return group;
}

}  // namespace

std::optional<std::uint32_t> pick(const Eligible& eligible, std::span<const Target> targets,
                                  RoundRobin& turns, const PickRequest& request, Prng& prng) {
  if (eligible.groups.empty()) return std::nullopt;
  const std::size_t first = choose_group(eligible, request, prng);
  for (std::size_t i = 0; i < eligible.groups.size(); ++i) {
    const std::size_t group = (first + i) % eligible.groups.size();
    if (const auto target = GroupPick(eligible, group, targets, turns, request, prng).run())
      return target;
  }
  return std::nullopt;
}

std::optional<std::uint64_t> request_hash(std::span<const std::optional<std::string_view>> values) {
  for (const auto& value : values)
    if (value) return scramble64(hash64(*value));
  return std::nullopt;
}

}  // namespace headgate::decide::balance
