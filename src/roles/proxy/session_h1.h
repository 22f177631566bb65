#pragma once
// One HTTP/1 client connection: reads heads, feeds one exchange at a time, writes its response. Worker thread.
// While it is idle it holds no buffer: bytes are read into the worker's scratch, and only a head that did not arrive
// completely is kept. Requests that come early (pipelining) stay in the kernel until the one before has ended.
#include <cstdint>
#include <memory>
#include <string>

#include "base/list.h"
#include "io/loop.h"
#include "io/outbox.h"
#include "io/stream.h"
#include "roles/proxy/connection_facts.h"
#include "roles/proxy/downstream.h"
#include "roles/proxy/reading_rate.h"
#include "roles/proxy/session.h"
#include "roles/proxy/worker_context.h"
#include "wire/http1/chunked.h"
#include "wire/http1/head.h"

namespace headgate::proxy {

class Exchange;

class SessionH1 final : public Session, public Downstream {
 public:
  SessionH1(WorkerContext& worker, Sessions& sessions, ConnectionFacts facts, io::Stream stream);
  ~SessionH1() override;

  // `received`: bytes that were read before the protocol was known.
  void start(std::string_view received);

  void on_io(std::uint32_t events) override;
  void drain() override;
  void kill() override;
  bool idle() const override { return phase_ == Phase::kHead && in_.empty(); }
  const PortView* port() const override { return facts_.port; }

  void send_interim(int status, const wire::http::Fields& fields) override;
  void send_head(int status, const wire::http::Fields& fields, ResponseBody body) override {
    send_head_with({}, status, fields, body);
  }
  bool takes_lines() const override { return true; }
  void send_head_with(std::string_view lines, int status, const wire::http::Fields& fields,
                      ResponseBody body) override;
  void send_body(std::string_view bytes, bool end) override;
  void send_pieces(std::string_view first, std::string_view second, bool end) override;
  void send_trailers(const wire::http::Fields& fields) override;
  void flush() override;
  std::size_t buffered_bytes() const override { return out_.size(); }
  bool reads_on() override;
  void want_request_body(bool wanted) override;
  void abort() override;
  void exchange_done() override;

 private:
  enum class Phase : std::uint8_t {
    kHead,      // between requests, or in a head
    kExchange,  // one request is served; its body may still be coming in
    kLinger,    // the last response is out, our direction is shut; what still comes is thrown away, for a while
    kClosed,
  };
  enum class Body : std::uint8_t { kNone, kLength, kChunked, kTunnel };

  void read_all();
  bool wants_bytes() const;
  std::string_view consume(std::string_view bytes);
  std::string_view consume_head(std::string_view bytes);
  void start_exchange(std::string_view head_text, std::size_t in_hand);
  bool rest_of_body_is_in_hand() const { return body_ == Body::kLength && body_left_ <= in_hand_; }
  void refuse(int status, std::string_view detail);
  std::string_view consume_body(std::string_view bytes);
  std::string_view consume_chunked(std::string_view bytes);
  void body_ended() { body_ = Body::kNone; }
  bool switch_to_h2(std::string_view bytes);
  void on_peer_end(io::Transfer::State state);
  void on_writable();
  void end_tunnel();
  void write_out(std::string_view bytes, std::string_view tail = {});
  void next_request();
  bool reads_late_request();
  Duration drain_grace();
  bool nothing_follows() const { return last_request_ && !readable_ && in_.empty() && !stream_.is_tls(); }
  void begin_linger();
  void close();
  void resume();
  void on_timer();
  void arm_body_timer();
  void time_reader();
  void look_at_reader();
  void wait_for_reader();
  const model::PortSettings& settings() const;
  // A client that did not take all at once.
  struct Reader {
    explicit Reader(SessionH1* session) : timer(session) {}
    ReadingRate rate;
    io::MemberTimer<&SessionH1::look_at_reader> timer;
  };

  WorkerContext& worker_;
  ConnectionFacts facts_;
  io::Stream stream_;
  io::Outbox out_;
  std::string in_;
  std::size_t head_scanned_ = 0;
  Exchange* exchange_ = nullptr;
  std::unique_ptr<wire::http1::ChunkedDecoder> chunked_;
  std::uint64_t body_left_ = 0, body_bytes_ = 0, linger_left_ = 0;
  std::uint64_t in_hand_ = 0;  // bytes behind the head that were read together with it
  std::uint64_t skip_ = 0;     // of a body that nobody wanted and that is in hand completely
  std::uint64_t requests_ = 0;
  Instant body_started_;
  io::MemberTimer<&SessionH1::on_timer> timer_{this};
  std::unique_ptr<Reader> reader_;  // null: it took everything so far
  io::Deferred resume_;
  Phase phase_ = Phase::kHead;
  Body body_ = Body::kNone;
  ResponseBody::Kind response_ = ResponseBody::Kind::kNone;
  bool chunk_response_ = false, keep_alive_ = true, last_request_ = false, wanted_ = true, readable_ = false, end_coming_ = false;
  bool tunnel_ended_ = false;
  bool aborted_ = false, head_request_ = false, reading_ = false, response_begun_ = false, draining_ = false;
};

}  // namespace headgate::proxy
