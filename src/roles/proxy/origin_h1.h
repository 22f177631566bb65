#pragma once
// One HTTP/1.1 connection to an origin, one request at a time. Belongs to an OriginPool; worker thread.
// After a complete exchange with both sides willing, the connection goes back to its pool before the receiver hears the end.
#include <cstdint>
#include <memory>
#include <string>

#include "base/list.h"
#include "io/loop.h"
#include "io/outbox.h"
#include "io/stream.h"
#include "roles/proxy/origin.h"
#include "roles/proxy/websocket_bridge.h"
#include "wire/http1/chunked.h"
#include "wire/http1/limits.h"

namespace headgate::proxy {

class OriginPool;
struct Slot;
struct WorkerContext;
struct IdleTag;

class OriginH1 final : public io::EventHandler, public OriginStream, public ListNode<IdleTag> {
 public:
  OriginH1(WorkerContext& worker, OriginPool& pool, Slot& slot, io::Stream stream, std::uint64_t requests_served);
  ~OriginH1() override;

  // Takes the connection into use for one request.
  void attach(OriginReceiver& receiver);
  // False when the peer closed or spoke out of turn while the connection was idle. Costs a system call.
  bool alive_by_peek() const;
  Instant idle_since() const { return idle_since_; }
  std::uint64_t requests_served() const { return requests_; }
  Slot& slot() const { return *slot_; }
  // Tells the loop. `registered`: the descriptor is in the loop already, for another handler.
  bool start_watching(bool registered);
  io::Stream leave();        // idle only: the stream goes to another worker, this object ends
  void close();              // idle only

  void on_io(std::uint32_t events) override;

  void send_head(const wire::http::RequestHead& head, bool end) override;
  void send_body(std::string_view bytes, bool end) override;
  void send_trailers(const wire::http::Fields& fields) override;
  void flush() override;
  std::size_t buffered_bytes() const override { return out_.size(); }
  void want_response_body(bool wanted) override;
  void cancel() override;

 private:
  enum class Phase : std::uint8_t { kIdle, kHead, kBody, kChunked, kUntilClose, kTunnel, kClosed };

  void read_all();
  void acknowledge_early();
  void consume(std::string_view bytes);
  std::string_view consume_head(std::string_view bytes);
  void on_head(std::string_view head_text);
  std::string_view consume_length(std::string_view bytes);
  std::string_view consume_chunked(std::string_view bytes);
  void deliver_chunk_end(std::string_view last);
  void on_peer_end(const io::Transfer& transfer);
  void write_out(std::string_view bytes, std::string_view tail = {});
  void request_complete() { request_sent_ = true; }
  // The response is complete: gives the connection back or closes it, then nothing refers to the receiver.
  OriginReceiver& release();
  void fail(OriginFailure::Kind kind, std::string_view detail);
  void retire();
  void resume();

  WorkerContext& worker_;
  OriginPool& pool_;
  Slot* slot_;
  io::Stream stream_;
  io::Outbox out_;
  std::string in_;                 // a head that has not arrived completely
  std::size_t head_scanned_ = 0;
  OriginReceiver* receiver_ = nullptr;
  wire::http1::ChunkedDecoder chunked_;
  wire::http::ResponseHead head_;
  std::unique_ptr<UpgradeRequest> upgrade_;  // of an extended CONNECT
  wire::http::Method method_ = wire::http::Method::kGet;
  Phase phase_ = Phase::kIdle;
  std::uint64_t body_left_ = 0;
  std::uint64_t requests_;
  Instant idle_since_;
  io::Deferred resume_;
  bool chunk_request_ = false;
  bool request_started_ = false, request_sent_ = false;
  bool keep_alive_ = true;
  bool wanted_ = true;
  bool readable_ = false;          // an edge was seen and not used up yet
  bool end_coming_ = false;        // the peer ended its direction; what came before is still to be read
  bool upgrade_asked_ = false;
  bool acknowledged_ = false;
  bool reused_ = false;
  std::uint8_t interim_left_ = 0;  // 1xx responses that are still accepted
};

}  // namespace headgate::proxy
