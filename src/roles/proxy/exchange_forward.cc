// Forwarding: attempts, their answers, retries and hedging. What is decided (whether a retry is safe, when) is decide/retry.
#include <algorithm>

#include "decide/retry/retry.h"
#include "roles/proxy/exchange.h"

namespace headgate::proxy {

namespace http = wire::http;

namespace {

struct FailureAnswer {
  int status;
  const char* reason;
};

FailureAnswer answer_of(OriginFailure::Kind kind) {
  using Kind = OriginFailure::Kind;
  switch (kind) {
    case Kind::kConnect: return {503, "upstream_connect"};
    case Kind::kTls: return {502, "upstream_tls"};
    case Kind::kOverflow: return {503, "upstream_overflow"};
    case Kind::kReset: return {502, "upstream_reset"};
    case Kind::kRefused: return {502, "upstream_refused"};
    case Kind::kProtocol: return {502, "upstream_protocol"};
    case Kind::kTimeout: return {504, "upstream_timeout"};
    case Kind::kStatus: return {502, "upstream_status"};
  }
  return {502, "upstream_reset"};
}

decide::retry::Outcome outcome_of(OriginFailure::Kind kind) {
  using Kind = OriginFailure::Kind;
  using Outcome = decide::retry::Outcome;
  switch (kind) {
    case Kind::kConnect:
    case Kind::kTls:
    case Kind::kOverflow: return Outcome::kConnectFailure;
    case Kind::kReset: return Outcome::kResetBeforeResponse;
    case Kind::kRefused: return Outcome::kRefusedStream;
    case Kind::kTimeout: return Outcome::kPerTryTimeout;
    case Kind::kStatus: return Outcome::kStatus;
    case Kind::kProtocol: return Outcome::kResponseBroken;
  }
  return Outcome::kResponseBroken;
}

}  // namespace

bool Exchange::upstream_has_room() const {
  const model::UpstreamLimits& limits = pool_->definition().limits;
  const bool full = pool_->state().requests.load(std::memory_order_relaxed) >= static_cast<std::int64_t>(limits.requests_max);
  return !full && pool_->admits();
}

void Exchange::begin_attempt(Attempt& attempt, bool needs_fresh) {
  phase_ = Phase::kAwaitHead;
  pool_->refresh();
  if (!upstream_has_room()) {
    pool_->stats().overflows.add();
    fail_forward(503, "upstream_overflow", Source::kOrigin, "more requests in flight than the upstream's limit");
    return;
  }
  Balancer& balancer = pool_->balancer();
  Slot* slot = home_ ? balancer.pick_home(*home_, tried_) : balancer.pick(*this, tried_, worker_.loop.now(), worker_.prng);
  if (!slot) {
    if (first_.active()) return;  // a hedge without an endpoint; the attempt that it was for goes on
    fail_forward(503, "no_endpoint", Source::kOrigin, "upstream " + pool_->definition().name + " has no endpoint");
    return;
  }
  tried_.push_back(slot);
  ++attempts_made_;
  arm_attempt_timer();
  if (&attempt == &first_ && traffic_->hedge.enabled && http::is_safe(head_.method) && !body_expected_) {
    worker_.loop.arm(hedge_timer_, traffic_->hedge.delay);
  }
  // A request that may not be repeated does not go out on a connection whose end might be on its way.
  const bool fresh = needs_fresh || !http::is_idempotent(head_.method);
  attempt.begin(*pool_, *slot, fresh, {client_address_, facts_->peer.port}, worker_.loop.now());
}

// Runs from the start of the attempt, and anew from each byte of the request: an origin that is still being told what to
// do is not late.
void Exchange::arm_attempt_timer() {
  const Duration per_try = traffic_->retry.per_try_timeout;
  const Duration timeout = per_try > Duration::zero() ? per_try : traffic_->timeouts.backend_request;
  if (timeout > Duration::zero()) worker_.loop.arm(phase_timer_, timeout);
}

void Exchange::attempt_ready(Attempt& attempt) {
  const bool end = request_done_ && body_.empty() && !has_trailers_;
  out_.version = http::Version::k11;
  attempt.stream()->send_head(out_, end);
  if (end || !attempt.stream()) return;
  if (!body_.empty()) attempt.stream()->send_body(body_, request_done_ && !has_trailers_);
  if (has_trailers_ && attempt.stream()) attempt.stream()->send_trailers(trailers_);
  if (attempt.stream()) attempt.stream()->flush();
  if (body_.size() > traffic_->retry.body_bytes_max) {
    replayable_ = false;
    body_.clear();
  }
  if (!request_done_) downstream_->want_request_body(true);
}

decide::retry::RetryBudget Exchange::budget() const {
  const auto live = [](const std::atomic<std::int64_t>& n) {
    return static_cast<std::uint64_t>(std::max<std::int64_t>(n.load(std::memory_order_relaxed), 0));
  };
  const std::uint64_t retries = live(pool_->state().retries);
  return {live(pool_->state().exchanges), retries - std::min<std::uint64_t>(retries, holds_retry_ ? 1 : 0)};
}

void Exchange::hold_retry() {
  if (!holds_retry_) pool_->state().retries.fetch_add(1, std::memory_order_relaxed);
  holds_retry_ = true;
}

void Exchange::start_hedge() {
  if (!first_.active() || second_.active() || !upstream_has_room()) return;
  const bool allowed = decide::retry::allows_retry(budget(), pool_->definition().limits);
  const decide::retry::HedgeState state{head_.method, replayable_, second_.active(), response_started_, traffic_->hedge.delay};
  if (decide::retry::hedge(state, traffic_->hedge, allowed) != decide::retry::HedgeVerdict::kStart) {
    if (!allowed) pool_->stats().retry_budget_exhausted.add();
    return;
  }
  pool_->stats().hedges.add();
  hold_retry();
  begin_attempt(second_, false);
}

void Exchange::attempt_interim(Attempt&, int status, const http::Fields& fields) {
  if (response_started_ || head_.version == http::Version::k10) return;
  response_fields_.clear();
  for (const http::Field& field : fields)
    if (!http::is_hop_by_hop(field.id)) response_fields_.push_back(field);
  downstream_->send_interim(status, response_fields_);
  downstream_->flush();
}

void Exchange::attempt_head(Attempt& attempt, http::ResponseHead& head, bool end) {
  Attempt& other = &attempt == &first_ ? second_ : first_;
  const auto& statuses = traffic_->retry.on_statuses;
  const bool listed = std::find(statuses.begin(), statuses.end(), head.status) != statuses.end();
  if (listed && !other.active() && may_retry(head.status)) {
    if (end) attempt.complete(head.status >= 500, worker_.loop.now());
    else attempt.abandon(head.status >= 500, worker_.loop.now());
    return retry_or_fail({OriginFailure::Kind::kStatus, false, true, "listed status"}, head.status);
  }
  if (other.active()) {
    if (&attempt == &second_) pool_->stats().hedge_wins.add();
    other.cancel();
  }
  worker_.loop.disarm(hedge_timer_);
  winner_ = &attempt;
  first_byte_ = worker_.loop.now();
  pool_->stats().responses[static_cast<std::size_t>(head.status / 100)].add();
  pool_->stats().first_byte_us.record(static_cast<std::uint64_t>((first_byte_ - attempt.started()).count() / 1000));
  pool_->observe(first_byte_ - attempt.started(), head.status == 503 || head.status == 429);
  phase_ = Phase::kResponding;
  if (end) attempt.complete(head.status >= 500, worker_.loop.now());
  else touch();
  if (caches_ && cache_takes(head, end)) return;
  send_response_head(head, end);
}

void Exchange::attempt_body(Attempt& attempt, std::string_view bytes, bool end) {
  if (phase_ != Phase::kResponding && phase_ != Phase::kTunnel) return;
  if (caches_ && turn_->is_filling()) return fill_from(attempt, bytes, end);
  response_bytes_ += bytes.size();
  if (tunnel_ && end) {
    tunnel_origin_ended_ = true;
  } else if (end) {
    attempt.complete(outcome_.status >= 500, worker_.loop.now());
  } else {
    touch();
  }
  send_content(bytes, end);
  if (phase_ == Phase::kDone || phase_ == Phase::kIdle) return;
  if (end) return response_sent();
  if (downstream_->buffered_bytes() > traffic_->buffer_bytes_max && attempt.stream()) attempt.stream()->want_response_body(false);
}

void Exchange::attempt_trailers(Attempt& attempt, const http::Fields& fields) {
  attempt.complete(outcome_.status >= 500, worker_.loop.now());
  if (caches_ && turn_->is_filling()) {
    for (const http::Field& field : fields)
      trailers_of_response_.push_back({arena_.copy(field.name), arena_.copy(field.value), field.id});
    return origin_is_done();
  }
  end_with_trailers(fields);
  response_sent();
}

void Exchange::attempt_writable(Attempt& attempt) {
  if (attempt.stream() && !request_done_) downstream_->want_request_body(true);
}

void Exchange::attempt_idle(Attempt&) {
  if (phase_ == Phase::kResponding || phase_ == Phase::kTunnel) downstream_->flush();
}

void Exchange::attempt_failed(Attempt& attempt, const OriginFailure& failure) {
  using Kind = OriginFailure::Kind;
  UpstreamStats& stats = attempt.pool()->stats();
  if (failure.kind == Kind::kReset || failure.kind == Kind::kRefused) stats.resets.add();
  if (failure.kind == Kind::kProtocol) stats.protocol_errors.add();
  // A kept connection that its origin had closed says nothing about the origin's health.
  const bool blames = failure.kind != Kind::kOverflow && !(failure.kind == Kind::kReset && failure.reused);
  attempt.complete(blames, worker_.loop.now());
  if (phase_ == Phase::kDone || phase_ == Phase::kIdle) return;
  const bool is_filling = caches_ && turn_->is_filling();
  if (response_started_ || is_filling) {
    const FailureAnswer known = answer_of(failure.kind);
    if (is_filling) turn_->fail();
    return truncate(known.reason, Source::kOrigin, failure.detail);
  }
  if (first_.active() || second_.active()) return;  // the other one of a hedged pair goes on
  retry_or_fail(failure, 0);
}

// Whether an answer with a listed status is asked for again: decided before the head is passed on. Counts what the budget
// refuses.
bool Exchange::may_retry(int status) {
  decide::retry::Attempt attempt = retry_facts();
  attempt.outcome = decide::retry::Outcome::kStatus;
  attempt.status = static_cast<std::uint16_t>(status);
  const bool allowed = decide::retry::allows_retry(budget(), pool_->definition().limits);
  const auto decision = decide::retry::decide(attempt, traffic_->retry, allowed, worker_.prng);
  if (decision.reason == decide::retry::Reason::kBudgetUsed) pool_->stats().retry_budget_exhausted.add();
  return decision.verdict != decide::retry::Verdict::kGiveUp;
}

decide::retry::Attempt Exchange::retry_facts() const {
  decide::retry::Attempt attempt;
  attempt.method = head_.method;
  attempt.body_replayable = replayable_ && request_done_;
  attempt.fresh_retry_done = fresh_retry_done_;
  attempt.retries_done = retries_;
  return attempt;
}

void Exchange::retry_or_fail(const OriginFailure& failure, int status) {
  decide::retry::Attempt attempt = retry_facts();
  attempt.outcome = outcome_of(failure.kind);
  attempt.status = static_cast<std::uint16_t>(status);
  attempt.request_bytes_written = failure.request_written ? 1 : 0;
  attempt.body_replayable = replayable_ && (request_done_ || !failure.request_written);
  attempt.connection_reused = failure.reused;
  const bool allowed = decide::retry::allows_retry(budget(), pool_->definition().limits);
  const auto decision = decide::retry::decide(attempt, traffic_->retry, allowed, worker_.prng);
  using RetryVerdict = decide::retry::Verdict;
  if (decision.verdict == RetryVerdict::kRetryFresh) {
    fresh_retry_done_ = true;
    pool_->stats().retries.add();
    rule_stats_->retries.add();
    if (!tried_.empty()) tried_.pop_back();
    return begin_attempt(first_, true);
  }
  if (decision.verdict == RetryVerdict::kRetryOther) {
    ++retries_;
    pool_->stats().retries.add();
    rule_stats_->retries.add();
    hold_retry();
    if (decision.backoff <= Duration::zero()) return begin_attempt(first_, true);
    phase_ = Phase::kBackoff;
    worker_.loop.disarm(phase_timer_);
    return worker_.loop.arm(phase_timer_, decision.backoff);
  }
  if (decision.reason == decide::retry::Reason::kBudgetUsed) pool_->stats().retry_budget_exhausted.add();
  const FailureAnswer known = answer_of(failure.kind);
  fail_forward(known.status, known.reason, Source::kOrigin, std::string(failure.detail));
}

}  // namespace headgate::proxy
