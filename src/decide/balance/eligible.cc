#include "decide/balance/eligible.h"

#include <algorithm>
#include <map>
#include <utility>

namespace headgate::decide::balance {
namespace {

constexpr double kOverprovisioning = 1.4;

struct Level {
  std::uint32_t priority = 0;
  std::vector<std::uint32_t> all, available;
  double load = 0;  // share of all requests
  bool panic = false;
};

double capacity(std::size_t available, std::size_t all) {
  if (all == 0) return 0;
  return std::min(1.0,
                  kOverprovisioning * static_cast<double>(available) / static_cast<double>(all));
}

std::vector<Level> levels_of(std::span<const Target> targets) {
  std::map<std::uint32_t, Level> by_priority;
  for (std::uint32_t i = 0; i < targets.size(); ++i) {
    if (targets[i].weight == 0) continue;
    Level& level = by_priority[targets[i].priority];
    level.priority = targets[i].priority;
    level.all.push_back(i);
    if (targets[i].available) level.available.push_back(i);
  }
  std::vector<Level> levels;
  levels.reserve(by_priority.size());
  for (auto& [priority, level] : by_priority) levels.push_back(std::move(level));
  return levels;
}

void share_load(std::vector<Level>& levels, std::uint32_t panic_percent) {
  if (levels.empty()) return;
  double sum = 0;
  for (const Level& level : levels) sum += capacity(level.available.size(), level.all.size());
  if (sum == 0) {
    levels.front().load = 1;
    levels.front().panic = true;
    return;
  }
  const double total = std::min(sum, 1.0);
  double left = 1;
  for (Level& level : levels) {
    level.load = std::min(left, capacity(level.available.size(), level.all.size()) / total);
    left -= level.load;
    level.panic = sum < 1 && level.available.size() * 100 < level.all.size() * panic_percent;
  }
}

class GroupMaker {
 public:
  GroupMaker(std::span<const Target> targets, const model::LoadBalancing& settings)
      : targets_(targets), settings_(settings) {
    for (const Target& t : targets) heaviest_ = std::max(heaviest_, t.weight);
  }

  void add(std::vector<std::uint32_t> members, double load, const Level& level,
           std::vector<Group>& out) {
    if (members.empty() || load <= 0) return;
    Group group;
    given_ += load;
    group.share_end = static_cast<std::uint64_t>(std::min(given_, 1.0) *
                                                 static_cast<double>(Eligible::kAllRequests));
    group.priority = level.priority;
    group.panic = level.panic;
    group.members = std::move(members);
    add_weights(group);
    add_tables(group);
    out.push_back(std::move(group));
  }

 private:
  void add_weights(Group& group) const {
    bool equal = true;
    for (const std::uint32_t i : group.members) {
      group.weight_ends.push_back(group.weight_sum += targets_[i].weight);
      equal = equal && targets_[i].weight == targets_[group.members[0]].weight;
    }
    if (equal) group.weight_ends = {};
  }

  void add_tables(Group& group) const {
    const bool maglev = settings_.policy == model::BalancePolicy::kMaglev;
    if (!maglev && settings_.policy != model::BalancePolicy::kRingHash) return;
    std::vector<HashMember> members;
    members.reserve(group.members.size());
    for (const std::uint32_t i : group.members)
      members.push_back({targets_[i].identity, targets_[i].weight});
    if (maglev)
      group.maglev = MaglevTable(members);
    else
      group.ring = HashRing(members, heaviest_, targets_.size());
  }

  std::span<const Target> targets_;
  const model::LoadBalancing& settings_;
  std::uint32_t heaviest_ = 1;
  double given_ = 0;
};

// Local endpoints carry what they can, the others the rest; without available others, local ones
// carry all.
void add_by_locality(GroupMaker& maker, std::span<const Target> targets, const Level& level,
                     std::vector<Group>& out) {
  std::vector<std::uint32_t> local, remote;
  for (const std::uint32_t i : level.available)
    (targets[i].same_locality ? local : remote).push_back(i);
  const auto local_all = std::count_if(level.all.begin(), level.all.end(),
                                       [&](std::uint32_t i) { return targets[i].same_locality; });
  const double part =
      remote.empty() ? 1 : capacity(local.size(), static_cast<std::size_t>(local_all));
  maker.add(std::move(local), level.load * part, level, out);
  maker.add(std::move(remote), level.load * (1 - part), level, out);
}

}  // namespace

Eligible build_eligible(std::span<const Target> targets, const model::LoadBalancing& settings) {
  std::vector<Level> levels = levels_of(targets);
  share_load(levels, settings.panic_threshold_percent);
  Eligible eligible;
  GroupMaker maker(targets, settings);
  for (const Level& level : levels) {
    if (level.panic)
      maker.add(level.all, level.load, level, eligible.groups);
    else if (settings.locality_aware)
      add_by_locality(maker, targets, level, eligible.groups);
    else
      maker.add(level.available, level.load, level, eligible.groups);
  }
  if (!eligible.groups.empty())
    eligible.groups.back().share_end = Eligible::kAllRequests;  // rounding
  eligible.policy = settings.policy;
  eligible.bounded_load_factor = settings.bounded_load_factor;
  eligible.slow_start = settings.slow_start;
  return eligible;
}

}  // namespace headgate::decide::balance
