#pragma once
// Which endpoints may be picked, computed once for each change of the endpoint set or its health,
// so that a pick is O(1) or O(log n). Immutable; may be shared by workers that hold the same array
// of targets in the same order.
//
// Priorities: a level takes the share of requests that its available part can carry, 1.4 times
// over-provisioned (as Envoy reckons); the next level takes the rest. Levels that together cannot
// carry everything share it in proportion. Panic: where the levels together cannot carry everything
// and less than the threshold of a level is available, that level's health is ignored. No endpoint
// available at all: every endpoint of the first level (law 2: never empty). Locality: within a
// level, endpoints of the edge's own locality take what their available part can carry.
#include <cstdint>
#include <span>
#include <vector>

#include "decide/balance/maglev.h"
#include "decide/balance/ring.h"
#include "decide/balance/target.h"
#include "model/upstream.h"

namespace headgate::decide::balance {

// Endpoints that share a part of the requests.
struct Group {
  std::uint64_t share_end = 0;  // in 2^-32 of all requests, cumulative over the groups
  std::uint32_t priority = 0;
  bool panic = false;
  std::vector<std::uint32_t> members;      // indexes of targets; none has weight 0
  std::vector<std::uint64_t> weight_ends;  // cumulative; empty: all weights are equal
  std::uint64_t weight_sum = 0;
  MaglevTable maglev;  // filled for their policy alone
  HashRing ring;
};

struct Eligible {
  static constexpr std::uint64_t kAllRequests = std::uint64_t{1} << 32;
  std::vector<Group> groups;  // none is empty; no groups: nothing has weight
  model::BalancePolicy policy = model::BalancePolicy::kRoundRobin;
  double bounded_load_factor = 0;
  Duration slow_start = Duration::zero();
};

Eligible build_eligible(std::span<const Target> targets, const model::LoadBalancing& settings);

}  // namespace headgate::decide::balance
