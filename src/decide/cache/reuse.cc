#include "decide/cache/reuse.h"

#include <algorithm>
#include <optional>

#include "decide/cache/age.h"
#include "decide/cache/freshness.h"

namespace headgate::decide::cache {
namespace {

using model::CachePolicy;
using model::StoredFlag;
using model::StoredResponse;
using Forward = wire::http::CacheStatus::Forward;

constexpr std::int64_t kNsPerSecond = 1'000'000'000;

std::int64_t ns_of(const wire::http::DeltaSeconds& delta) {
  return static_cast<std::int64_t>(delta.seconds) * kNsPerSecond;
}

struct Verdict {
  Use use;
  Reason reason;
  Forward forward = Forward::kNone;
};

Verdict validate(Reason reason, Forward forward) { return {Use::kValidate, reason, forward}; }

// What no request and no lifetime can outweigh.
std::optional<Reason> must_validate(const StoredResponse& stored, Mark mark, WallTime now) {
  if (mark.kind == Mark::Kind::kInvalid) return Reason::kInvalidated;
  if (is_from_the_future(stored, now)) return Reason::kClockSteppedBack;
  if (stored.has(StoredFlag::kNoCache)) return Reason::kResponseNoCache;
  return std::nullopt;
}

// RFC 8246 §2: a reload by max-age=0 is no reason to validate what never changes while it is fresh;
// no-cache is.
bool is_too_old(const StoredResponse& stored, const Freshness& freshness,
                const RequestFacts& request) {
  const auto& max_age = request.control.max_age;
  if (!max_age.is_valid() || freshness.age_ns <= ns_of(max_age)) return false;
  return !(stored.has(StoredFlag::kImmutable) && freshness.is_fresh());
}

// §5.2.1: what the request asks of a stored response.
std::optional<Reason> request_refuses(const StoredResponse& stored, const Freshness& freshness,
                                      const RequestFacts& request) {
  if (request.control.no_cache.is_present()) return Reason::kRequestNoCache;
  if (request.pragma_no_cache) return Reason::kRequestPragma;
  if (is_too_old(stored, freshness, request)) return Reason::kRequestMaxAge;
  const auto& min_fresh = request.control.min_fresh;
  if (min_fresh.is_valid() && freshness.left_ns() < ns_of(min_fresh))
    return Reason::kRequestMinFresh;
  return std::nullopt;
}

// A request with max-age alone does not want what is stale (§5.2.1.1).
bool wants_no_stale(const RequestFacts& request) {
  return request.control.max_age.is_valid() && !request.accepts_stale();
}

Verdict decide_stale(const StoredResponse& stored, std::int64_t staleness_ns,
                     const RequestFacts& request, const CachePolicy& policy) {
  if (forbids_stale(stored, policy)) return validate(Reason::kMustRevalidate, Forward::kStale);
  if (wants_no_stale(request)) return validate(Reason::kRequestMaxAge, Forward::kStale);
  if (staleness_ns < stale_while_revalidate_ns(stored, policy))
    return {Use::kStaleWhileRevalidate, Reason::kStaleWhileRevalidate};
  const auto& max_stale = request.control.max_stale;
  const bool is_welcome =
      request.control.max_stale_any || (max_stale.is_valid() && staleness_ns <= ns_of(max_stale));
  if (is_welcome) return {Use::kHit, Reason::kMaxStale};
  return validate(Reason::kExpired, Forward::kStale);
}

Verdict decide(const StoredResponse& stored, Mark mark, const Freshness& freshness,
               const RequestFacts& request, const CachePolicy& policy, WallTime now) {
  if (const auto reason = must_validate(stored, mark, now))
    return validate(*reason, Forward::kStale);
  if (const auto reason = request_refuses(stored, freshness, request))
    return validate(*reason, Forward::kRequest);
  if (freshness.is_fresh()) return {Use::kHit, Reason::kFresh};
  return decide_stale(stored, freshness.staleness_ns(), request, policy);
}

// §5.2.1.7: nothing that would need the origin.
Reuse only_if_cached(Reuse reuse, const RequestFacts& request) {
  const bool needs_origin = reuse.use == Use::kValidate || reuse.use == Use::kFetch;
  if (!needs_origin || !request.control.only_if_cached) return reuse;
  reuse.use = Use::kGatewayTimeout;
  reuse.forward = Forward::kNone;
  return reuse;
}

}  // namespace

Freshness marked(Freshness freshness, Mark mark, WallTime now) {
  if (mark.kind != Mark::Kind::kStale) return freshness;
  const std::int64_t since = std::max<std::int64_t>(now.ns - mark.at.ns, 0);
  freshness.lifetime_ns = std::min(freshness.lifetime_ns, freshness.age_ns - since);
  return freshness;
}

Reuse decide_bypass(Reason reason) {
  const bool is_method = reason == Reason::kMethod;
  return {Use::kBypass, reason, is_method ? Forward::kMethod : Forward::kBypass};
}

Reuse decide_miss(const RequestFacts& request, bool variants) {
  const Reason reason = variants ? Reason::kVariantNotStored : Reason::kNotStored;
  const Forward forward = variants ? Forward::kVaryMiss : Forward::kUriMiss;
  return only_if_cached({Use::kFetch, reason, forward}, request);
}

Reuse decide_reuse(const StoredResponse& stored, Mark mark, const RequestFacts& request,
                   const CachePolicy& policy, WallTime now) {
  const Freshness freshness = marked(freshness_of(stored, policy, now), mark, now);
  const Verdict verdict = decide(stored, mark, freshness, request, policy, now);
  const Reuse reuse{verdict.use, verdict.reason, verdict.forward, freshness.age_s(),
                    freshness.ttl_s()};
  return only_if_cached(reuse, request);
}

wire::http::CacheStatus status_of(const Reuse& reuse) {
  wire::http::CacheStatus status;
  status.hit = reuse.use == Use::kHit || reuse.use == Use::kStaleWhileRevalidate;
  status.forward = reuse.forward;
  const bool has_stored = status.hit || reuse.use == Use::kValidate;
  if (has_stored) status.ttl = reuse.ttl_s;
  const bool is_plain = reuse.reason == Reason::kFresh || reuse.reason == Reason::kExpired ||
                        reuse.reason == Reason::kNotStored ||
                        reuse.reason == Reason::kVariantNotStored ||
                        reuse.reason == Reason::kMethod;
  if (!is_plain || reuse.use == Use::kGatewayTimeout) status.detail = token_of(reuse.reason);
  return status;
}

}  // namespace headgate::decide::cache
