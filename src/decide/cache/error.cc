#include "decide/cache/error.h"

#include <algorithm>

#include "decide/cache/age.h"
#include "decide/cache/freshness.h"
#include "decide/cache/status.h"

namespace headgate::decide::cache {
namespace {

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

bool asks_for_validation(const RequestFacts& request) {
  return request.control.no_cache.is_present() || request.pragma_no_cache;
}

// RFC 5861 §4: the directive may stand in the response and in the request.
std::int64_t allowance_ns(const model::StoredResponse& stored, const RequestFacts& request,
                          const model::CachePolicy& policy) {
  const auto& asked = request.control.stale_if_error;
  const std::int64_t by_request = static_cast<std::int64_t>(asked.seconds) * kNsPerSecond;
  return std::max(stale_if_error_ns(stored, policy), by_request);
}

}  // namespace

ErrorUse decide_error(int status, const model::StoredResponse& stored, Mark mark,
                      const RequestFacts& request, const model::CachePolicy& policy, WallTime now) {
  if (status != 0 && !is_origin_failure(status)) return ErrorUse::kPassOn;
  const Freshness freshness = marked(freshness_of(stored, policy, now), mark, now);
  if (forbids_stale(stored, policy) && !freshness.is_fresh())
    return status == 0 ? ErrorUse::kGatewayTimeout : ErrorUse::kPassOn;
  const bool is_unusable = mark.kind == Mark::Kind::kInvalid || is_from_the_future(stored, now) ||
                           stored.has(model::StoredFlag::kNoCache) || asks_for_validation(request);
  if (is_unusable) return ErrorUse::kPassOn;
  return freshness.staleness_ns() < allowance_ns(stored, request, policy) ? ErrorUse::kServeStale
                                                                          : ErrorUse::kPassOn;
}

}  // namespace headgate::decide::cache
