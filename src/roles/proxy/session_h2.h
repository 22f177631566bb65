#pragma once
// One HTTP/2 client connection: feeds the codec, gives each request an exchange, and sends the
// frames of all streams together at the end of a turn. Worker thread; retires into the loop.
// While the kernel takes no output nothing is read, so that a peer cannot make us queue answers.
// Limits: those of wire/http2 and of the port; idle and head time-outs; requests of a connection.
#include <cstdint>
#include <string>
#include <vector>

#include "io/outbox.h"
#include "roles/proxy/h2_streams.h"
#include "roles/proxy/reading_rate.h"
#include "roles/proxy/session.h"
#include "roles/proxy/stream_h2.h"
#include "wire/http2/server_session.h"

namespace headgate::proxy {

class SessionH2 final : public Session, public wire::http2::ServerEvents {
 public:
  using StreamId = wire::http2::StreamId;

  SessionH2(WorkerContext& worker, Sessions& sessions, ConnectionFacts facts, io::Stream stream);
  ~SessionH2() override;

  // `received`: bytes that were read before the protocol was known, preface included.
  void start(std::string_view received);

  void on_io(std::uint32_t events) override;
  void drain() override;
  void kill() override;
  bool idle() const override { return streams_.count() == 0; }
  const PortView* port() const override { return facts_.port; }

  // For the streams.
  wire::http2::ServerSession& wire() { return wire_; }
  io::Loop& loop() { return worker_.loop; }
  const model::PortSettings& settings() const;
  wire::http::Fields& scratch_fields();
  bool is_window_held() const;
  // A number that grows while the client takes what the stream has for it.
  std::uint64_t taken_bytes(StreamId id) const;
  void wake() { worker_.loop.defer(work_); }
  void expect_settle(StreamH2& stream);
  void stream_done(StreamH2& stream, StreamId id);

  void on_request(StreamId id, wire::http::RequestHead& head, std::string& storage,
                  bool end_stream) override;
  void on_bad_request(StreamId id, const wire::http2::BadRequest& bad) override;
  void on_body(StreamId id, std::string_view bytes, bool end_stream) override;
  void on_trailers(StreamId id, wire::http::Fields& fields, std::string& storage) override;
  void on_reset(StreamId id, const wire::http2::Reset& reset) override;
  void on_writable(StreamId) override {}  // settle() watches a lower mark
  void on_stream_closed(StreamId) override {}
  void on_goaway(StreamId, wire::http2::ErrorCode) override {}  // what is open is still served
  void on_ping_ack(std::uint64_t opaque) override;
  void on_flood(wire::http2::Flood kind) override;

 private:
  enum class Phase : std::uint8_t {
    kOpen,
    kLinger,  // our direction is shut; what still comes is thrown away, for a while
    kClosed,
  };
  void work();
  bool wants_bytes() const { return phase_ == Phase::kLinger || !out_.blocked(); }
  void read_all();
  void feed(std::string_view bytes);
  void linger_over(std::size_t bytes);
  void send();
  void settle();
  StreamH2& take_stream(StreamId id, Exchange& exchange, bool end_stream);
  void finish_drain();
  void drop_streams();
  void conclude();
  void begin_linger();
  void close();
  void on_timer();
  void time_input();
  void on_input_timer();
  void look_at_readers();
  void cut_slow_streams(std::uint64_t least);
  void cut_slow_connection();
  void cut_slow_stream(StreamId id);

  WorkerContext& worker_;
  ConnectionFacts facts_;
  io::Stream stream_;
  io::Outbox out_;
  wire::http2::Limits limits_;
  wire::http2::ServerSession wire_;
  H2Streams<StreamH2> streams_;
  List<StreamH2, UnsentTag> unsettled_;  // wait for their buffers to fall, or to deliver
  std::string early_;
  wire::http::Fields scratch_fields_;
  std::uint64_t timed_input_ = 0;  // what input_timer_ runs for
  std::uint64_t requests_ = 0, received_ = 0, linger_left_ = 0;
  io::Deferred work_;
  io::MemberTimer<&SessionH2::on_timer> timer_{this};  // head, idle, or the end of what is over
  io::MemberTimer<&SessionH2::finish_drain> drain_timer_{this};
  io::MemberTimer<&SessionH2::on_input_timer> input_timer_{this};  // a head, or a frame, half sent
  io::MemberTimer<&SessionH2::look_at_readers> reader_timer_{this};
  ReadingRate reading_, reading_bodies_;  // of the connection: by its TCP, and by flow control
  std::vector<wire::http2::WaitingStream> waiting_;  // at the look before
  Phase phase_ = Phase::kOpen;
  bool readable_ = false, writable_ = false, greeted_ = false;
  bool end_coming_ = false;  // the peer ended its direction; what came before is still to be read
  bool draining_ = false, drained_ = false, over_ = false;
};

}  // namespace headgate::proxy
