#include "decide/retry/retry.h"

#include <algorithm>

namespace headgate::decide::retry {
namespace {

// The origin cannot have acted on the request.
bool not_processed(const Attempt& a) {
  switch (a.outcome) {
    case Outcome::kConnectFailure:
    case Outcome::kRefusedStream:
    case Outcome::kGoawayUnprocessed: return true;
    case Outcome::kResetBeforeResponse: return a.request_bytes_written == 0;
    default: return false;
  }
}

bool by_policy(const Attempt& a, const model::RetryPolicy& policy) {
  switch (a.outcome) {
    case Outcome::kConnectFailure: return policy.on_connect_failure;
    case Outcome::kResetBeforeResponse:
    case Outcome::kRefusedStream:
    case Outcome::kGoawayUnprocessed: return policy.on_reset_before_response;
    case Outcome::kPerTryTimeout: return policy.per_try_timeout > Duration::zero();
    case Outcome::kStatus:
      return std::find(policy.on_statuses.begin(), policy.on_statuses.end(), a.status) !=
             policy.on_statuses.end();
    case Outcome::kRequestTimeout:
    case Outcome::kResponseBroken: return false;
  }
  return false;
}

bool body_is_there(const Attempt& a) { return a.body_replayable || a.request_bytes_written == 0; }

// A stream that HTTP/2 hands back unprocessed on a kept connection is the same race, seen by a
// politer origin.
bool is_keep_alive_race(const Attempt& a) {
  if (a.outcome == Outcome::kGoawayUnprocessed) return true;
  return a.outcome == Outcome::kResetBeforeResponse && a.connection_reused;
}

constexpr Decision give_up(Reason reason) { return {Verdict::kGiveUp, reason, Duration::zero()}; }

}  // namespace

std::string_view to_string(Reason reason) {
  switch (reason) {
    case Reason::kKeepAliveRace: return "keep_alive_race";
    case Reason::kNotProcessed: return "not_processed";
    case Reason::kIdempotent: return "idempotent";
    case Reason::kNotByPolicy: return "not_by_policy";
    case Reason::kNotIdempotent: return "not_idempotent";
    case Reason::kBodyGone: return "body_gone";
    case Reason::kAttemptsUsed: return "attempts_used";
    case Reason::kBudgetUsed: return "budget_used";
    case Reason::kTooLate: return "too_late";
  }
  return "too_late";
}

Decision decide(const Attempt& attempt, const model::RetryPolicy& policy, bool budget_allows,
                Prng& prng) {
  if (attempt.outcome == Outcome::kResponseBroken || attempt.outcome == Outcome::kRequestTimeout)
    return give_up(Reason::kTooLate);
  const bool untouched = not_processed(attempt);
  const bool may_repeat = untouched || wire::http::is_idempotent(attempt.method);
  const bool race = is_keep_alive_race(attempt) && !attempt.fresh_retry_done;
  if (!race && !by_policy(attempt, policy)) return give_up(Reason::kNotByPolicy);
  if (!may_repeat) return give_up(Reason::kNotIdempotent);
  if (!body_is_there(attempt)) return give_up(Reason::kBodyGone);
  if (race) return {Verdict::kRetryFresh, Reason::kKeepAliveRace, Duration::zero()};
  if (attempt.retries_done >= policy.attempts_max) return give_up(Reason::kAttemptsUsed);
  if (!budget_allows) return give_up(Reason::kBudgetUsed);
  return {Verdict::kRetryOther, untouched ? Reason::kNotProcessed : Reason::kIdempotent,
          backoff(policy, attempt.retries_done, prng)};
}

Duration backoff(const model::RetryPolicy& policy, std::uint32_t retries_done, Prng& prng) {
  std::int64_t ceiling = std::min(policy.backoff_base, policy.backoff_max).count();
  for (std::uint32_t i = 0; i < retries_done && ceiling > 0 && ceiling < policy.backoff_max.count();
       ++i)
    ceiling = ceiling > policy.backoff_max.count() / 2 ? policy.backoff_max.count() : ceiling * 2;
  if (ceiling <= 0) return Duration::zero();
  return Duration(static_cast<std::int64_t>(prng.below(static_cast<std::uint64_t>(ceiling))));
}

HedgeVerdict hedge(const HedgeState& state, const model::HedgePolicy& policy, bool budget_allows) {
  if (!policy.enabled || state.hedged || state.response_began || !state.body_replayable)
    return HedgeVerdict::kNever;
  if (!wire::http::is_safe(state.method)) return HedgeVerdict::kNever;
  if (state.waited < policy.delay) return HedgeVerdict::kWait;
  return budget_allows ? HedgeVerdict::kStart : HedgeVerdict::kNever;
}

}  // namespace headgate::decide::retry
