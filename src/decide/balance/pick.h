#pragma once
// One endpoint for one request. O(1) for round robin of equal weights, random and least request of
// equal weights and Maglev, O(log n) else; a walk over all endpoints only where those tried first
// are excluded, too new or full. The caller owns all state: Eligible and RoundRobin are made
// together, `targets` is the array that they were made from.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "base/prng.h"
#include "decide/balance/eligible.h"
#include "decide/balance/round_robin.h"

namespace headgate::decide::balance {

struct PickRequest {
  Instant now{};
  std::optional<std::uint64_t> hash;  // request_hash; hash balancers without one pick at random
  std::uint64_t active_total = 0;     // sum of Target::active; bounded load alone
  std::span<const std::uint32_t> excluded{};  // targets that this request has tried
};

// nullopt: no target has weight, or all that may be picked are excluded.
//   Round robin  RoundRobin's turns.
//   Random       by weight.
//   Least request  two at random by weight; the one with fewer requests for its weight.
//   Maglev, ring hash  the home of the hash. With a bounded load factor c > 1 an endpoint takes at
//   most
//     ceil(c * (active_total + 1) * its share of the weight) requests; the next on the way takes
//     what is above (Mirrokni, Thorup, Zadimoghaddam 2018). The bound yields only where excluded
//     targets leave no room.
//   Slow start thins out: a new target that was picked is passed over with the share that it does
//   not have yet.
std::optional<std::uint32_t> pick(const Eligible& eligible, std::span<const Target> targets,
                                  RoundRobin& turns, const PickRequest& request, Prng& prng);

// The first value that is present decides; none: nullopt. The same in every worker and edge.
std::optional<std::uint64_t> request_hash(std::span<const std::optional<std::string_view>> values);

}  // namespace headgate::decide::balance
