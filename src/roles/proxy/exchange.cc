#include "roles/proxy/exchange.h"

#include "roles/proxy/access_check.h"
#include "roles/proxy/access_log.h"
#include "roles/proxy/cache/no_client.h"

namespace headgate::proxy {

namespace http = wire::http;

namespace {
const model::TrafficPolicy kDefaultTraffic;
constexpr std::size_t kKeptBytesMax = 16384;  // capacity that a recycled exchange may keep per buffer

void trim(std::string& text) {
  if (text.capacity() > kKeptBytesMax) std::string().swap(text);
  text.clear();
}
}  // namespace

Exchange::Exchange(WorkerContext& worker) : worker_(worker) {}
Exchange::~Exchange() = default;

void Exchange::adopt(const ConnectionFacts& facts, Downstream& downstream) {
  facts_ = &facts;
  downstream_ = &downstream;
  world_ = facts.port->world;
  port_ = facts.port->port;
  traffic_ = &kDefaultTraffic;
  started_ = worker_.loop.now();
  phase_ = Phase::kStages;
  client_address_ = facts.peer.address;
  client_text_ = facts.peer_text;
  client_scheme_ = facts.tls ? "https" : "http";
  body_expected_ = head_.framing.kind != http::Framing::Kind::kNone;
  request_done_ = !body_expected_;
  worker_.stats.exchanges.add(1);
}

void Exchange::start(const ConnectionFacts& facts, Downstream& downstream) {
  adopt(facts, downstream);
  (head_.version == http::Version::k2 ? worker_.stats.h2_requests : worker_.stats.h1_requests).add();
  if (!world_) {
    answer(503, "port_removed", Source::kSelf);
    return;
  }
  run_stages();
}

void Exchange::start_refused(const ConnectionFacts& facts, Downstream& downstream, int status, const char* reason,
                             std::string_view detail) {
  adopt(facts, downstream);
  worker_.stats.bad_requests.add();
  close_after_ = true;
  answer(status, reason, Source::kClient, std::string(detail));
}

void Exchange::run_stages() {
  while (phase_ == Phase::kStages) {
    const Stage& stage = kStages[stage_];
    if (!stage.run) return;
    const Verdict verdict = (this->*stage.run)();
    if (verdict != Verdict::kNext) return;
    ++stage_;
  }
}

// Body idle time starts anew. Costs one store.
void Exchange::touch() {
  const model::Timeouts& timeouts = traffic_->timeouts;
  const Duration idle = tunnel_ ? timeouts.tunnel_idle : timeouts.body_idle;
  if (idle > Duration::zero()) worker_.loop.arm(phase_timer_, idle);
}

void Exchange::on_request_body(std::string_view bytes, bool end) {
  if (phase_ == Phase::kIdle || phase_ == Phase::kDone) return;
  request_bytes_ += bytes.size();
  if (end) request_done_ = true;
  const std::uint64_t limit = traffic_->request_body_bytes_max;
  if (limit != 0 && request_bytes_ > limit && !tunnel_) {
    close_after_ = true;
    if (response_started_) return truncate("request_too_large", Source::kClient, "request body over its limit");
    first_.cancel();
    second_.cancel();
    answer(413, "request_too_large", Source::kClient);
    return;
  }
  if (phase_ == Phase::kResponding || phase_ == Phase::kTunnel) touch();
  else if (phase_ == Phase::kAwaitHead) arm_attempt_timer();
  keep_for_replay(bytes);
  if (mirrors_) mirrors_->on_body(bytes, end);
  Attempt* sender = winner_ ? winner_ : first_.stream() ? &first_ : nullptr;
  if (!sender || !sender->stream()) {
    if (body_.size() >= traffic_->buffer_bytes_max) downstream_->want_request_body(false);
    return;
  }
  sender->stream()->send_body(bytes, end);
  if (sender->stream() && sender->stream()->buffered_bytes() > traffic_->buffer_bytes_max) downstream_->want_request_body(false);
  if (tunnel_) end_tunnel_if_both_ended();
}

// Keeps the body while it may be needed again, or while no stream is there to take it.
void Exchange::keep_for_replay(std::string_view bytes) {
  const bool sending = (winner_ && winner_->stream()) || first_.stream();
  if (sending && (!replayable_ || tunnel_)) return;
  if (sending && body_.size() + bytes.size() > traffic_->retry.body_bytes_max) {
    replayable_ = false;
    trim(body_);
    return;
  }
  body_.append(bytes);
}

void Exchange::on_request_trailers(const http::Fields& fields) {
  if (phase_ == Phase::kIdle || phase_ == Phase::kDone) return;
  request_done_ = true;
  has_trailers_ = true;
  for (const http::Field& field : fields) {
    trailers_.push_back({arena_.copy(field.name), arena_.copy(field.value), field.id});
  }
  if (mirrors_) mirrors_->on_trailers(trailers_);
  if (first_.stream()) first_.stream()->send_trailers(trailers_);
}

void Exchange::on_client_writable() {
  if (caches_ && turn_->reply().is_open()) return pump_reply();
  if (winner_ && winner_->stream()) winner_->stream()->want_response_body(true);
}

void Exchange::on_client_gone() {
  if (phase_ == Phase::kIdle || phase_ == Phase::kDone) return;
  if (!outcome_.reason && !response_done_) {
    outcome_.reason = "client_closed";
    outcome_.fault = Source::kClient;
    worker_.stats.client_aborts.add();
  }
  if (!leave_to_cache()) finish();
}

void Exchange::on_client_error(const char* reason) {
  if (phase_ == Phase::kIdle || phase_ == Phase::kDone) return;
  close_after_ = true;
  worker_.stats.bad_requests.add();
  first_.cancel();
  second_.cancel();
  if (response_started_) return truncate("bad_request_body", Source::kClient, reason);
  answer(400, "bad_request_body", Source::kClient, reason);
}

void Exchange::on_client_body_too_slow() {
  if (phase_ == Phase::kIdle || phase_ == Phase::kDone) return;
  worker_.stats.timeouts_body.add();
  close_after_ = true;
  first_.cancel();
  second_.cancel();
  if (response_started_) return truncate("request_too_slow", Source::kClient, "request body below its minimum rate");
  answer(408, "request_too_slow", Source::kClient);
}

void Exchange::on_client_reads_too_slowly() {
  if (phase_ == Phase::kIdle || phase_ == Phase::kDone) return;
  worker_.stats.timeouts_response.add();
  truncate("response_too_slow", Source::kClient, "the client read below the minimum rate");
}

void Exchange::on_phase_timer() {
  switch (phase_) {
    case Phase::kStages: return waited_too_long();
    case Phase::kAwaitHead: {
      Attempt& attempt = second_.active() ? second_ : first_;
      if (attempt.pool()) attempt.pool()->stats().timeouts.add();
      if (attempt.pool()) attempt.pool()->observe(worker_.loop.now() - attempt.started(), true);
      first_.abandon(true, worker_.loop.now());
      second_.cancel();
      return retry_or_fail({OriginFailure::Kind::kTimeout, false, true, "no response head in time"}, 504);
    }
    case Phase::kBackoff: return begin_attempt(first_, true);
    case Phase::kResponding:
      if (downstream_->reads_on()) return touch();
      worker_.stats.timeouts_body.add();
      return truncate("body_idle", Source::kSelf, "no byte moved for the body idle time-out");
    case Phase::kTunnel: return truncate("tunnel_idle", Source::kSelf, "no byte moved for the tunnel idle time-out");
    default: return;
  }
}

void Exchange::on_total_timer() {
  if (phase_ == Phase::kIdle || phase_ == Phase::kDone) return;
  first_.cancel();
  second_.cancel();
  if (tunnel_) return truncate("tunnel_max", Source::kSelf, "the tunnel reached its longest life");
  if (response_started_) return truncate("request_timeout", Source::kOrigin, "request time-out");
  fail_forward(504, "request_timeout", Source::kOrigin, "no complete response within the request time-out");
}

void Exchange::on_hedge_timer() {
  if (phase_ == Phase::kAwaitHead) start_hedge();
}

// A response that began cannot be completed: the client must see that it is cut.
void Exchange::truncate(const char* reason, Source fault, std::string_view detail) {
  if (!outcome_.reason) {
    outcome_.reason = reason;
    outcome_.fault = fault;
    outcome_.detail = detail;
  }
  close_after_ = true;
  downstream_->abort();
  finish();
}

void Exchange::response_sent() {
  response_done_ = true;
  if (tunnel_) return end_tunnel_if_both_ended();
  if (!leave_to_cache()) finish();
}

void Exchange::end_tunnel_if_both_ended() {
  if (!tunnel_origin_ended_ || !request_done_) return;
  response_done_ = true;
  finish();
}

void Exchange::finish() {
  if (phase_ == Phase::kDone || phase_ == Phase::kIdle) return;
  phase_ = Phase::kDone;
  first_.cancel();
  second_.cancel();
  winner_ = nullptr;
  worker_.loop.disarm(phase_timer_);
  worker_.loop.disarm(total_timer_);
  worker_.loop.disarm(hedge_timer_);
  if (holds_retry_) pool_->state().retries.fetch_sub(1, std::memory_order_relaxed);
  if (pool_) pool_->state().exchanges.fetch_sub(1, std::memory_order_relaxed);
  if (tunnel_) worker_.stats.tunnels_open.add(-1);
  worker_.stats.exchanges.add(-1);
  if (!is_logged_) worker_.access_log.record(*this, rule_stats_);
  Downstream& downstream = *downstream_;
  worker_.exchanges.give_back(*this);
  downstream.exchange_done();
}

// Everything of the ended request goes, buffers of moderate size stay.
void Exchange::reset() {
  downstream_ = nullptr;
  facts_ = nullptr;
  world_.reset();
  port_ = nullptr;
  trim(head_text_);
  trim(body_);
  trim(filtered_);
  arena_.reset();
  filter_.reset();
  access_.reset();
  mirrors_.reset();
  if (caches_) turn_->reset();
  no_client_.reset();
  trailers_of_response_.clear();
  cache_status_.clear();
  origin_status_ = 0;
  home_.reset();
  caches_ = request_built_ = is_logged_ = false;
  host_ = request_id_ = trace_id_ = client_text_ = {};
  path_ = {};
  listener_ = nullptr;
  rule_ = nullptr;
  backend_ = nullptr;
  rule_stats_ = nullptr;
  pool_ = nullptr;
  prefix_bytes_ = stage_ = 0;
  trailers_.clear();
  tried_.clear();
  winner_ = nullptr;
  request_done_ = has_trailers_ = response_started_ = response_done_ = tunnel_ = tunnel_origin_ended_ = false;
  close_after_ = body_expected_ = peer_trusted_ = holds_retry_ = fresh_retry_done_ = answer_extra_ = false;
  replayable_ = true;
  phase_ = Phase::kIdle;
  outcome_.status = 0;
  outcome_.reason = nullptr;
  outcome_.detail.clear();
  request_bytes_ = response_bytes_ = 0;
  attempts_made_ = retries_ = 0;
  first_byte_ = {};
}

std::string_view Exchange::upstream_name() const { return pool_ ? std::string_view(pool_->definition().name) : ""; }

std::string_view Exchange::endpoint_name() const {
  return tried_.empty() ? "" : std::string_view(tried_.back()->endpoint->name);
}

ExchangeStore::ExchangeStore(WorkerContext& worker)
    : worker_(worker), sweep_([](void* self) { static_cast<ExchangeStore*>(self)->sweep(); }, this) {}

void ExchangeStore::end_all() {
  while (!live_.empty()) live_.front().finish();
  sweep();
}

ExchangeStore::~ExchangeStore() {
  while (!live_.empty()) {
    Exchange& exchange = live_.front();
    exchange.ListNode<ExchangeTag>::unlink();
    delete &exchange;
  }
}

Exchange& ExchangeStore::take() {
  std::unique_ptr<Exchange> exchange;
  if (free_.empty()) {
    exchange = std::make_unique<Exchange>(worker_);
  } else {
    exchange = std::move(free_.back());
    free_.pop_back();
  }
  live_.push_back(*exchange);
  ++live_count_;
  return *exchange.release();  // owned by the live list until give_back
}

void ExchangeStore::give_back(Exchange& exchange) {
  exchange.ListNode<ExchangeTag>::unlink();
  --live_count_;
  ended_.emplace_back(&exchange);
  worker_.loop.defer(sweep_);
}

void ExchangeStore::sweep() {
  for (auto& exchange : ended_) {
    exchange->reset();
    if (free_.size() < kFreeMax) free_.push_back(std::move(exchange));
  }
  ended_.clear();
}

}  // namespace headgate::proxy
