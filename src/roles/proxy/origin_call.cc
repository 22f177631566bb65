#include "roles/proxy/origin_call.h"

#include <utility>

#include "base/check.h"
#include "roles/proxy/exchange.h"

namespace headgate::proxy {

using Kind = OriginFailure::Kind;

OriginCall::~OriginCall() { cancel(); }

void OriginCall::start(const Exchange& exchange, Destination destination, Duration timeout, bool needs_fresh) {
  HG_CHECK(state_ == State::kIdle, "one request at a time");
  destination_ = std::move(destination);
  pool_ = destination_.world->pools[destination_.upstream].get();
  pool_->refresh();
  status_ = 0;
  started_ = worker_.loop.now();
  worker_.loop.arm(timer_, timeout);
  const auto limit = static_cast<std::int64_t>(pool_->definition().limits.requests_max);
  if (pool_->state().requests.load(std::memory_order_relaxed) >= limit || !pool_->admits()) {
    pool_->stats().overflows.add();
    return fail({Kind::kOverflow, false, false, "more requests in flight than the upstream's limit"}, false);
  }
  Slot* slot = pool_->balancer().pick(exchange, {}, started_, worker_.prng);
  if (!slot) return fail({Kind::kConnect, false, false, "no endpoint"}, false);
  begin(*slot, {exchange.client_address(), exchange.facts().peer.port}, needs_fresh);
}

void OriginCall::begin(Slot& slot, const wire::ip::Endpoint& client, bool needs_fresh) {
  slot_ = &slot;
  state_ = State::kWaiting;
  ++slot.active;
  slot.endpoint->active.fetch_add(1, std::memory_order_relaxed);
  pool_->state().requests.fetch_add(1, std::memory_order_relaxed);
  pool_->stats().active_requests.add(1);
  pool_->stats().pending_requests.add(1);
  pool_->balancer().started(slot);
  waiter_.needs_fresh = needs_fresh;
  waiter_.client = client;
  OriginStream* stream = nullptr;
  switch (pool_->acquire(slot, waiter_, stream)) {
    case OriginPool::Acquired::kReady: return on_origin_ready(*stream);
    case OriginPool::Acquired::kWaiting: return;
    case OriginPool::Acquired::kOverflow: break;
  }
  pool_->stats().overflows.add();
  fail({Kind::kOverflow, false, false, "no connection: a limit of the upstream is reached"}, false);
}

void OriginCall::end_accounting() {
  if (state_ == State::kIdle) return;
  if (state_ == State::kWaiting) pool_->stats().pending_requests.add(-1);
  state_ = State::kIdle;
  --slot_->active;
  slot_->endpoint->active.fetch_sub(1, std::memory_order_relaxed);
  pool_->state().requests.fetch_sub(1, std::memory_order_relaxed);
  pool_->stats().active_requests.add(-1);
  pool_->balancer().ended(*slot_);
}

void OriginCall::cancel() {
  worker_.loop.disarm(timer_);
  if (state_ == State::kWaiting) pool_->forget(waiter_);
  end_accounting();
  if (stream_) std::exchange(stream_, nullptr)->cancel();
}

void OriginCall::complete(bool error) {
  stream_ = nullptr;
  worker_.loop.disarm(timer_);
  if (state_ == State::kIdle) return;
  end_accounting();
  if (pool_->state().report(*slot_->endpoint, error, worker_.loop.now())) pool_->stats().ejections.add();
}

void OriginCall::fail(const OriginFailure& failure, bool blames) {
  if (blames) complete(true);
  cancel();
  call_ended(&failure);
}

void OriginCall::on_timeout() {
  pool_->stats().timeouts.add();
  OriginStream* stream = std::exchange(stream_, nullptr);
  pool_->forget(waiter_);
  complete(true);
  if (stream) stream->cancel();
  const OriginFailure failure{Kind::kTimeout, false, true, "no complete response in time"};
  call_ended(&failure);
}

void OriginCall::on_origin_ready(OriginStream& stream) {
  if (state_ == State::kWaiting) pool_->stats().pending_requests.add(-1);
  state_ = State::kSending;
  stream_ = &stream;
  call_ready(stream);
}

// The accounts are closed first: what the response causes may look at them, and may cancel.
void OriginCall::on_response_head(wire::http::ResponseHead& head, bool end) {
  status_ = head.status;
  pool_->stats().responses[static_cast<std::size_t>(status_ / 100)].add();
  pool_->stats().first_byte_us.record(static_cast<std::uint64_t>((worker_.loop.now() - started_).count() / 1000));
  if (end) complete(status_ >= 500);
  call_head(head);
  if (end) call_ended(nullptr);
}

void OriginCall::on_response_body(std::string_view bytes, bool end) {
  if (end) complete(status_ >= 500);
  call_body(bytes);
  if (end) call_ended(nullptr);
}

void OriginCall::on_response_trailers(const wire::http::Fields&) {
  complete(status_ >= 500);
  call_ended(nullptr);
}

void OriginCall::on_origin_failed(const OriginFailure& failure) {
  stream_ = nullptr;
  UpstreamStats& counts = pool_->stats();
  if (failure.kind == Kind::kReset || failure.kind == Kind::kRefused) counts.resets.add();
  if (failure.kind == Kind::kProtocol) counts.protocol_errors.add();
  // A kept connection that its origin had closed says nothing about the origin's health.
  fail(failure, failure.kind != Kind::kOverflow && !(failure.kind == Kind::kReset && failure.reused));
}

}  // namespace headgate::proxy
