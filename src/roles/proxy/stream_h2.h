#pragma once
// One request of an HTTP/2 client connection, between the codec and its exchange. Belongs to a
// SessionH2, which reuses it. Worker thread.
// Request body: handed on as it comes; its flow-control credit goes back while the exchange wants
// more, so a stopped stream holds at most its window. What a client sends on an extended CONNECT
// before the tunnel is open waits here (RFC 8441 §5), bounded by the same window.
#include <cstdint>
#include <string>

#include "base/list.h"
#include "io/timer.h"
#include "roles/proxy/downstream.h"
#include "roles/proxy/reading_rate.h"
#include "wire/http2/events.h"

namespace headgate::proxy {

class Exchange;
class SessionH2;

struct UnsentTag;

class StreamH2 final : public Downstream, public ListNode<UnsentTag> {
 public:
  explicit StreamH2(SessionH2& session) : session_(session) {}

  // Fills the exchange's head from the codec's; then start() or start_refused() of the exchange.
  void begin(wire::http2::StreamId id, Exchange& exchange, bool end_stream);
  Exchange* exchange() const { return exchange_; }

  void on_body(std::string_view bytes, bool end);
  void on_trailers(wire::http::Fields& fields);
  void on_reset(const wire::http2::Reset& reset);
  void on_connection_gone();
  // After output was sent, outside of every callback. True: nothing more to wait for.
  bool settle();

  void send_interim(int status, const wire::http::Fields& fields) override;
  void send_head(int status, const wire::http::Fields& fields, ResponseBody body) override;
  void send_body(std::string_view bytes, bool end) override;
  void send_trailers(const wire::http::Fields& fields) override;
  void flush() override;
  std::size_t buffered_bytes() const override;
  bool reads_on() override;
  void want_request_body(bool wanted) override;
  void abort() override;
  void exchange_done() override;

 private:
  void deliver(std::string_view bytes, bool end);
  void release_early();
  void input_ended();
  void measure_body();
  void on_body_timer();

  SessionH2& session_;
  Exchange* exchange_ = nullptr;
  wire::http2::StreamId id_ = 0;
  std::size_t withheld_ = 0;  // credit
  std::string early_;
  std::uint64_t body_bytes_ = 0;  // since body_started_
  Instant body_started_;
  io::MemberTimer<&StreamH2::on_body_timer> body_timer_{this};
  enum class Tunnel : std::uint8_t { kNone, kAsked, kOpen };
  Tunnel tunnel_ = Tunnel::kNone;
  ReadingRate reading_;
  bool wanted_ = true, input_ended_ = false, early_end_ = false, output_ended_ = false;
};

}  // namespace headgate::proxy
