#pragma once
// One endpoint as balancers see it. The owner (a worker) keeps an array of these for an upstream,
// in a fixed order, changes `active` as it goes, and rebuilds Eligible (eligible.h) when anything
// else changes.
#include <cstdint>
#include <string_view>

#include "base/hash.h"
#include "base/time.h"

namespace headgate::decide::balance {

struct Target {
  std::uint32_t weight = 1;    // 0: no new requests, whatever health says
  bool available = true;       // healthy and not ejected
  std::uint32_t active = 0;    // requests in flight
  Instant since{};             // available since; slow start counts from here. {}: long ago
  std::uint32_t priority = 0;  // lower first
  bool same_locality = false;  // as the edge
  std::uint64_t identity = 0;  // identity_of its stable name; hash balancers place by it
};

// Of "10.0.0.1:80" or "unix:/path": the same in every worker and edge, whatever the order of
// endpoints.
inline std::uint64_t identity_of(std::string_view endpoint_name) {
  return scramble64(hash64(endpoint_name));
}

inline constexpr double kSlowStartShareMin =
    0.1;  // of its weight, for a target that is new this moment

// Linear from kSlowStartShareMin to 1 over the window.
constexpr double slow_start_share(const Target& target, Duration window, Instant now) {
  if (window <= Duration::zero() || target.since == Instant{}) return 1;
  const Duration age = now - target.since;
  if (age >= window) return 1;
  const double share = static_cast<double>(age.count()) / static_cast<double>(window.count());
  return share > kSlowStartShareMin ? share : kSlowStartShareMin;
}

}  // namespace headgate::decide::balance
