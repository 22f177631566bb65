#pragma once
// What becomes of a request that found, or did not find, a stored response (RFC 9111 §4). One call
// a request; no allocation. Pure.
#include <cstdint>

#include "base/time.h"
#include "decide/cache/freshness.h"
#include "decide/cache/reason.h"
#include "decide/cache/request.h"
#include "model/cache_policy.h"
#include "model/stored_response.h"
#include "wire/http/cache_status.h"

namespace headgate::decide::cache {

enum class Use : std::uint8_t {
  kHit,                   // answer from what is stored
  kStaleWhileRevalidate,  // answer from what is stored, and validate it beside
  kValidate,              // ask the origin whether it is still good (validation.h)
  kFetch,                 // get it from the origin
  kGatewayTimeout,        // 504: the request wants only what is stored (§5.2.1.7)
  kBypass,                // forward, store nothing
};

struct Reuse {
  Use use = Use::kFetch;
  Reason reason = Reason::kNotStored;
  wire::http::CacheStatus::Forward forward = wire::http::CacheStatus::Forward::kNone;
  std::int64_t age_s = 0;  // for the Age field; with a stored response
  std::int64_t ttl_s = 0;  // what is left of its lifetime, negative when stale
};

// What happened to a stored response since it was stored.
struct Mark {
  enum class Kind : std::uint8_t {
    kNone,
    kStale,    // soft purge: stale since `at`
    kInvalid,  // §4.4: not without validation
  };
  Kind kind = Kind::kNone;
  WallTime at;
};

// Freshness under a mark: what was purged softly ended its life then.
Freshness marked(Freshness freshness, Mark mark, WallTime now);

Reuse decide_bypass(Reason reason);
// `variants`: other variants are stored for the key.
Reuse decide_miss(const RequestFacts& request, bool variants);
// `stored` is the selected one (vary.h).
Reuse decide_reuse(const model::StoredResponse& stored, Mark mark, const RequestFacts& request,
                   const model::CachePolicy& policy, WallTime now);

// The member of Cache-Status for it (RFC 9211 §2): hit, fwd, ttl, and the reason as detail where
// the forward does not say it. Whoever forwards adds fwd-status, stored and collapsed.
wire::http::CacheStatus status_of(const Reuse& reuse);

}  // namespace headgate::decide::cache
