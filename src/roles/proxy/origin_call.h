#pragma once
// One request that the edge itself sends to an upstream beside an exchange: a question to an external service, a mirror.
// Chooses the endpoint, waits for a connection, keeps the accounts of pool and endpoint as an Attempt does, and bounds the
// whole by a deadline. Worker thread. It holds on to the configuration that it started with, so that its pool outlives it;
// it must not be destroyed from inside its own calls: owners do that at the end of the turn.
#include <cstdint>
#include <memory>

#include "io/loop.h"
#include "roles/proxy/origin.h"
#include "roles/proxy/origin_pool.h"
#include "roles/proxy/prepared.h"
#include "roles/proxy/worker_context.h"

namespace headgate::proxy {

class Exchange;

class OriginCall : public OriginReceiver {
 public:
  OriginCall(const OriginCall&) = delete;
  OriginCall& operator=(const OriginCall&) = delete;
  ~OriginCall() override;  // gives up what is under way

  // Waiting for a connection, or for the rest of the response.
  bool active() const { return state_ != State::kIdle; }
  // Null until a connection is there, and after the response was complete.
  OriginStream* stream() { return stream_; }

 protected:
  explicit OriginCall(WorkerContext& worker) : worker_(worker), waiter_(*this) {}

  struct Destination {
    std::shared_ptr<const WorkerSnapshot> world;
    std::uint32_t upstream = 0;  // index into the snapshot
  };
  // `exchange` chooses the endpoint where that depends on the client. call_ready or call_ended may come before it returns.
  void start(const Exchange& exchange, Destination destination, Duration timeout, bool needs_fresh);
  // Nothing is heard any more.
  void cancel();
  UpstreamStats& stats() { return pool_->stats(); }

  virtual void call_ready(OriginStream& stream) = 0;
  virtual void call_head(wire::http::ResponseHead& head) = 0;
  virtual void call_body(std::string_view bytes) = 0;
  // The last one. Null: the response was received completely.
  virtual void call_ended(const OriginFailure* failure) = 0;

  WorkerContext& worker_;

 private:
  enum class State : std::uint8_t { kIdle, kWaiting /* in the pool's queue */, kSending };

  void on_origin_ready(OriginStream& stream) override;
  void on_interim(int, const wire::http::Fields&) override {}
  void on_response_head(wire::http::ResponseHead& head, bool end) override;
  void on_response_body(std::string_view bytes, bool end) override;
  void on_response_trailers(const wire::http::Fields& fields) override;
  void on_origin_writable() override {}
  void on_origin_failed(const OriginFailure& failure) override;
  void on_origin_idle() override {}
  void on_timeout();
  void begin(Slot& slot, const wire::ip::Endpoint& client, bool needs_fresh);
  void end_accounting();
  void complete(bool error);
  void fail(const OriginFailure& failure, bool blames);

  Destination destination_;
  OriginPool* pool_ = nullptr;
  Slot* slot_ = nullptr;
  OriginStream* stream_ = nullptr;
  Waiter waiter_;
  Instant started_;
  int status_ = 0;
  State state_ = State::kIdle;
  io::MemberTimer<&OriginCall::on_timeout> timer_{this};
};

}  // namespace headgate::proxy
