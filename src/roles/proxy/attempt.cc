#include "roles/proxy/attempt.h"

#include "roles/proxy/exchange.h"

namespace headgate::proxy {

void Attempt::begin(OriginPool& pool, Slot& slot, bool needs_fresh, const wire::ip::Endpoint& client, Instant now) {
  pool_ = &pool;
  slot_ = &slot;
  started_ = now;
  state_ = State::kWaiting;
  ++slot.active;
  slot.endpoint->active.fetch_add(1, std::memory_order_relaxed);
  pool.state().requests.fetch_add(1, std::memory_order_relaxed);
  pool.stats().active_requests.add(1);
  pool.balancer().started(slot);
  waiter_.needs_fresh = needs_fresh;
  waiter_.client = client;
  OriginStream* stream = nullptr;
  switch (pool.acquire(slot, waiter_, stream)) {
    case OriginPool::Acquired::kReady: state_ = State::kSending; return on_origin_ready(*stream);
    case OriginPool::Acquired::kWaiting: pool.stats().pending_requests.add(1); return;
    case OriginPool::Acquired::kOverflow: break;
  }
  pool.stats().overflows.add();
  state_ = State::kSending;
  on_origin_failed({OriginFailure::Kind::kOverflow, false, false, "no connection: a limit of the upstream is reached"});
}

void Attempt::end_accounting() {
  if (state_ == State::kIdle) return;
  if (state_ == State::kWaiting) pool_->stats().pending_requests.add(-1);
  state_ = State::kIdle;
  --slot_->active;
  slot_->endpoint->active.fetch_sub(1, std::memory_order_relaxed);
  pool_->state().requests.fetch_sub(1, std::memory_order_relaxed);
  pool_->stats().active_requests.add(-1);
  pool_->balancer().ended(*slot_);
}

void Attempt::cancel() {
  if (state_ == State::kIdle) return;
  pool_->forget(waiter_);
  end_accounting();
  if (stream_) std::exchange(stream_, nullptr)->cancel();
}

void Attempt::abandon(bool error, Instant now) {
  if (state_ == State::kWaiting) pool_->forget(waiter_);
  OriginStream* stream = stream_;
  complete(error, now);
  if (stream) stream->cancel();
}

void Attempt::complete(bool error, Instant now) {
  stream_ = nullptr;
  if (state_ == State::kIdle) return;
  end_accounting();
  if (pool_->state().report(*slot_->endpoint, error, now)) pool_->stats().ejections.add();
}

void Attempt::on_origin_ready(OriginStream& stream) {
  if (state_ == State::kWaiting) pool_->stats().pending_requests.add(-1);
  state_ = State::kSending;
  stream_ = &stream;
  exchange_.attempt_ready(*this);
}

void Attempt::on_interim(int status, const wire::http::Fields& fields) { exchange_.attempt_interim(*this, status, fields); }

void Attempt::on_response_head(wire::http::ResponseHead& head, bool end) { exchange_.attempt_head(*this, head, end); }

void Attempt::on_response_body(std::string_view bytes, bool end) { exchange_.attempt_body(*this, bytes, end); }

void Attempt::on_response_trailers(const wire::http::Fields& fields) { exchange_.attempt_trailers(*this, fields); }

void Attempt::on_origin_writable() { exchange_.attempt_writable(*this); }

void Attempt::on_origin_failed(const OriginFailure& failure) { exchange_.attempt_failed(*this, failure); }

void Attempt::on_origin_idle() { exchange_.attempt_idle(*this); }

}  // namespace headgate::proxy
