#include "decide/cache/freshness.h"

#include <algorithm>

#include "decide/cache/age.h"
#include "decide/cache/status.h"

namespace headgate::decide::cache {
namespace {

using model::LifetimeSource;
using model::StoredFlag;
using model::StoredResponse;

constexpr std::int64_t kNsPerSecond = 1'000'000'000;
constexpr std::int64_t kLongestNs = (std::int64_t{1} << 31) * kNsPerSecond;

std::int64_t seconds_to_ns(std::int64_t seconds) {
  return std::clamp<std::int64_t>(seconds, 0, kLongestNs / kNsPerSecond) * kNsPerSecond;
}

bool may_last_untold(const StoredResponse& stored) {
  return is_heuristically_cacheable(stored.status) || stored.has(StoredFlag::kPublic);
}

// §4.2.2: a share of the time for which the representation had not changed.
std::int64_t heuristic_ns(const StoredResponse& stored, const model::CacheTtlPolicy& ttl) {
  if (!stored.has(StoredFlag::kHasLastModified) || !may_last_untold(stored)) return 0;
  const __int128 unchanged_s =
      std::max<__int128>(static_cast<__int128>(stored.date_s) - stored.last_modified_s, 0);
  const __int128 share = unchanged_s * ttl.heuristic_permille / 1000;
  return seconds_to_ns(
      static_cast<std::int64_t>(std::min<__int128>(share, ttl.heuristic_seconds_max)));
}

std::int64_t unbounded_lifetime_ns(const StoredResponse& stored, const model::CachePolicy& policy) {
  switch (stored.lifetime_source) {
    case LifetimeSource::kInvalid: return 0;
    case LifetimeSource::kSMaxage:
    case LifetimeSource::kMaxAge:
    case LifetimeSource::kExpires: return seconds_to_ns(stored.lifetime_s);
    case LifetimeSource::kNone: break;
  }
  if (const auto seconds = policy_ttl(stored.status, policy))
    return seconds_to_ns(*seconds) + stored.initial_age_ns;
  return heuristic_ns(stored, policy.ttl);
}

std::int64_t said_or(const StoredResponse& stored, StoredFlag is_said, std::uint32_t said,
                     std::optional<std::uint32_t> otherwise) {
  return seconds_to_ns(stored.has(is_said) ? said : otherwise.value_or(0));
}

}  // namespace

std::int64_t Freshness::ttl_s() const {
  const std::int64_t left = left_ns();
  return left >= 0 ? left / kNsPerSecond : -((-left + kNsPerSecond - 1) / kNsPerSecond);
}

std::optional<std::uint32_t> policy_ttl(int status, const model::CachePolicy& policy) {
  for (const auto& row : policy.ttl.by_status)
    if (row.status == status) return row.seconds;
  return is_heuristically_cacheable(status) ? policy.ttl.otherwise : std::nullopt;
}

std::int64_t lifetime_ns(const StoredResponse& stored, const model::CachePolicy& policy) {
  std::int64_t lifetime = unbounded_lifetime_ns(stored, policy);
  if (is_heuristically_cacheable(stored.status) && policy.ttl.seconds_min > 0)
    lifetime = std::max(lifetime, seconds_to_ns(policy.ttl.seconds_min) + stored.initial_age_ns);
  return std::min(lifetime, seconds_to_ns(policy.ttl.seconds_max) + stored.initial_age_ns);
}

Freshness freshness_of(const StoredResponse& stored, const model::CachePolicy& policy,
                       WallTime now) {
  return {lifetime_ns(stored, policy), current_age_ns(stored, now)};
}

bool forbids_stale(const StoredResponse& stored, const model::CachePolicy& policy) {
  constexpr std::uint32_t kForbidding =
      StoredFlag::kNoCache | StoredFlag::kMustRevalidate | StoredFlag::kProxyRevalidate;
  if ((stored.flags & kForbidding) != 0) return true;
  return stored.lifetime_source == LifetimeSource::kSMaxage && !policy.ttl.stale_despite_s_maxage;
}

std::int64_t stale_while_revalidate_ns(const StoredResponse& stored,
                                       const model::CachePolicy& policy) {
  return said_or(stored, StoredFlag::kHasSwr, stored.stale_while_revalidate_s,
                 policy.ttl.stale_while_revalidate);
}

std::int64_t stale_if_error_ns(const StoredResponse& stored, const model::CachePolicy& policy) {
  return said_or(stored, StoredFlag::kHasSie, stored.stale_if_error_s, policy.ttl.stale_if_error);
}

}  // namespace headgate::decide::cache
