#pragma once
// Whether a failed attempt is made again, and how (RFC 9110 §9.2.2). Pure, any thread; the caller
// counts and waits.
//
// An attempt that the origin cannot have processed may be repeated whatever the method: no
// connection, no byte of the request written, REFUSED_STREAM, a stream above the last one of a
// GOAWAY. Everything else may have been processed and is repeated for idempotent methods alone. A
// body must be replayable in both cases, unless none of it was written.
//
// A kept connection that dies before the response began is the keep-alive race: the origin closed
// while the request was under way. It is repeated once, at once, on a fresh connection, outside of
// attempts and budget: such repeats are bounded by the idle connections that existed, they cannot
// storm.
#include <cstdint>
#include <string_view>

#include "base/prng.h"
#include "base/time.h"
#include "model/policy.h"
#include "model/upstream.h"
#include "wire/http/message.h"

namespace headgate::decide::retry {

enum class Outcome : std::uint8_t {
  kConnectFailure,       // refused, unreachable, connect timeout, TLS failure
  kResetBeforeResponse,  // closed or reset before the first byte of the response
  kRefusedStream,        // HTTP/2 REFUSED_STREAM
  kGoawayUnprocessed,    // the stream is above the last one that a GOAWAY promises to finish
  kStatus,               // a whole response head with `status`
  kPerTryTimeout,        // RetryPolicy::per_try_timeout passed without a response head
  kRequestTimeout,       // the exchange has no time left
  kResponseBroken,       // failed after the response began: nothing can be taken back
};

// Live numbers of one upstream; the owner adds and takes away.
struct RetryBudget {
  std::uint64_t live_requests = 0;  // exchanges in flight, each once
  std::uint64_t live_retries = 0;   // those of the others that were tried again or hedged
};

constexpr bool allows_retry(const RetryBudget& budget, const model::UpstreamLimits& limits) {
  const std::uint64_t share = budget.live_requests * limits.retry_budget_percent / 100;
  return budget.live_retries < (share > limits.retries_min ? share : limits.retries_min);
}

struct Attempt {
  wire::http::Method method = wire::http::Method::kGet;
  Outcome outcome = Outcome::kConnectFailure;
  std::uint16_t status = 0;                 // kStatus
  bool body_replayable = true;              // no body, or all of it that was read is kept
  std::uint64_t request_bytes_written = 0;  // to the upstream connection, head included
  bool connection_reused = false;           // had served a request before
  bool fresh_retry_done = false;            // kRetryFresh was the verdict before
  std::uint32_t retries_done = 0;           // kRetryOther verdicts before
};

enum class Verdict : std::uint8_t {
  kGiveUp,
  kRetryFresh,  // same endpoint, a new connection, now; does not count against the budget
  kRetryOther,  // another endpoint if there is one, after `backoff`; counts
};

// Why, for the log and for counters.
enum class Reason : std::uint8_t {
  kKeepAliveRace,
  kNotProcessed,
  kIdempotent,  // retried
  kNotByPolicy,
  kNotIdempotent,
  kBodyGone,
  kAttemptsUsed,
  kBudgetUsed,
  kTooLate,  // given up
};
std::string_view to_string(Reason reason);

struct Decision {
  Verdict verdict = Verdict::kGiveUp;
  Reason reason = Reason::kTooLate;
  Duration backoff = Duration::zero();
};

Decision decide(const Attempt& attempt, const model::RetryPolicy& policy, bool budget_allows,
                Prng& prng);

// Uniform in [0, min(backoff_max, backoff_base * 2^retries_done)): "full jitter", so that clients
// of one failure spread out.
Duration backoff(const model::RetryPolicy& policy, std::uint32_t retries_done, Prng& prng);

struct HedgeState {
  wire::http::Method method = wire::http::Method::kGet;
  bool body_replayable = true;
  bool hedged = false;  // a second attempt was started
  bool response_began = false;
  Duration waited = Duration::zero();  // since the first attempt was written
};

enum class HedgeVerdict : std::uint8_t { kNever, kWait, kStart };

// kWait: ask again when HedgePolicy::delay has passed. A hedge is a retry to the budget. Safe
// methods alone: both attempts may be processed, and the answer to a second DELETE is not the first
// one's.
HedgeVerdict hedge(const HedgeState& state, const model::HedgePolicy& policy, bool budget_allows);

}  // namespace headgate::decide::retry
