#pragma once
// How long a stored response is fresh, and how stale it is (RFC 9111 §4.2), under the policy of the
// moment. Pure; no allocation.
//
// Lifetime, the first that applies: what the origin said (§4.2.1); the policy for the status; the
// policy's default; heuristics (§4.2.2). Then the policy's floor and ceiling, which count from the
// arrival here. The floor and the default need a status that may be stored without being told to.
#include <cstdint>
#include <optional>

#include "base/time.h"
#include "model/cache_policy.h"
#include "model/stored_response.h"

namespace headgate::decide::cache {

struct Freshness {
  std::int64_t lifetime_ns = 0;
  std::int64_t age_ns = 0;

  constexpr bool is_fresh() const { return lifetime_ns > age_ns; }
  constexpr std::int64_t left_ns() const { return lifetime_ns - age_ns; }
  constexpr std::int64_t staleness_ns() const { return age_ns - lifetime_ns; }
  // Whole seconds, rounded down, as Cache-Status and Age give them.
  std::int64_t ttl_s() const;
  std::int64_t age_s() const { return age_ns / 1'000'000'000; }
};

std::int64_t lifetime_ns(const model::StoredResponse& stored, const model::CachePolicy& policy);

Freshness freshness_of(const model::StoredResponse& stored, const model::CachePolicy& policy,
                       WallTime now);

// Whether the response itself forbids any use when stale (§4.2.4, §5.2.2.2, .4, .8, .10).
bool forbids_stale(const model::StoredResponse& stored, const model::CachePolicy& policy);

// How long beyond its lifetime it may be used: the origin's word, else the policy's. 0: not at all.
std::int64_t stale_while_revalidate_ns(const model::StoredResponse& stored,
                                       const model::CachePolicy& policy);
std::int64_t stale_if_error_ns(const model::StoredResponse& stored,
                               const model::CachePolicy& policy);

// The policy's lifetime for a status of which the origin said nothing.
std::optional<std::uint32_t> policy_ttl(int status, const model::CachePolicy& policy);

}  // namespace headgate::decide::cache
