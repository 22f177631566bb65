#pragma once
// One try of an exchange at one endpoint. An exchange owns two: the second one hedges or retries while the first winds down.
// Forwards what the origin says to the exchange; keeps the counts of the endpoint right. Worker thread.
#include <cstdint>

#include "base/time.h"
#include "roles/proxy/origin.h"
#include "roles/proxy/origin_pool.h"

namespace headgate::proxy {

class Exchange;

class Attempt final : public OriginReceiver {
 public:
  explicit Attempt(Exchange& exchange) : exchange_(exchange), waiter_(*this) {}
  ~Attempt() override = default;

  enum class State : std::uint8_t { kIdle, kWaiting /* in the pool's queue */, kSending };
  // Chooses nothing: pool and slot are the caller's decision. Failures come through Exchange::attempt_failed.
  void begin(OriginPool& pool, Slot& slot, bool needs_fresh, const wire::ip::Endpoint& client, Instant now);
  // Gives up: nothing is heard from it any more.
  void cancel();

  State state() const { return state_; }
  bool active() const { return state_ != State::kIdle; }
  OriginStream* stream() { return stream_; }
  Slot* slot() const { return slot_; }
  OriginPool* pool() const { return pool_; }
  Instant started() const { return started_; }
  // The response was received completely (or failed): ends the accounting.
  void complete(bool error, Instant now);
  // Judged like complete(), and given up like cancel(): a later answer of the origin reaches nobody.
  void abandon(bool error, Instant now);

  void on_origin_ready(OriginStream& stream) override;
  void on_interim(int status, const wire::http::Fields& fields) override;
  void on_response_head(wire::http::ResponseHead& head, bool end) override;
  void on_response_body(std::string_view bytes, bool end) override;
  void on_response_trailers(const wire::http::Fields& fields) override;
  void on_origin_writable() override;
  void on_origin_failed(const OriginFailure& failure) override;
  void on_origin_idle() override;

 private:
  void end_accounting();

  Exchange& exchange_;
  Waiter waiter_;
  OriginPool* pool_ = nullptr;
  Slot* slot_ = nullptr;
  OriginStream* stream_ = nullptr;
  Instant started_;
  State state_ = State::kIdle;
};

}  // namespace headgate::proxy
