#pragma once
// One HTTP/2 connection to an origin: many requests at once. Belongs to an OriginPool; worker
// thread; retires into the loop. After GOAWAY, or close_when_done(), it takes no more requests and
// ends with the last one.
// Response bodies: credit goes back while the receiver wants more, so a stopped one holds at most
// its window, and stops no other stream. Limits: wire/http2; requests_per_connection_max of the
// upstream; its connect time-out for the origin's SETTINGS; 60 s idle; a PING after 30 s of
// silence, answered within 15 s.
#include <cstdint>
#include <string>

#include "base/list.h"
#include "io/loop.h"
#include "io/outbox.h"
#include "io/stream.h"
#include "roles/proxy/h2_streams.h"
#include "roles/proxy/origin.h"
#include "roles/proxy/origin_h2_request.h"
#include "wire/http2/client_session.h"

namespace headgate::proxy {

class OriginPool;
struct Slot;
struct WorkerContext;

class OriginH2 final : public io::EventHandler, public wire::http2::ClientEvents {
 public:
  using StreamId = wire::http2::StreamId;

  OriginH2(WorkerContext& worker, OriginPool& pool, Slot& slot, io::Stream stream);
  ~OriginH2() override;

  // Begins to speak; offers its room to the pool at once.
  void start();
  bool has_room() const;
  bool unused() const { return !closed_ && streams_.count() == 0; }
  bool leaving() const { return leaving_; }
  // Only while has_room(). The request goes out by send_head().
  OriginStream* open(OriginReceiver& receiver);
  // Takes nothing new; closes now or after the last request.
  void close_when_done();
  Slot& slot() const { return slot_; }

  void on_io(std::uint32_t events) override;

  // For the requests.
  wire::http2::ClientSession& wire() { return wire_; }
  bool settings_seen() const { return settings_seen_; }
  wire::http::RequestHead& scratch_head() { return scratch_head_; }
  void wake();
  void bind(OriginH2Request& request) { streams_.bind(request, request.id()); }
  void sent_or_dropped() { --unsent_; }
  void expect_settle(OriginH2Request& request);
  void touched(OriginH2Request& request) { touched_.push_back(request); }
  void request_done(OriginH2Request& request);

  void on_response(StreamId id, wire::http::ResponseHead& head, std::string& storage,
                   bool end_stream) override;
  void on_settings(const wire::http2::PeerSettings& settings) override;
  void on_body(StreamId id, std::string_view bytes, bool end_stream) override;
  void on_trailers(StreamId id, wire::http::Fields& fields, std::string& storage) override;
  void on_reset(StreamId id, const wire::http2::Reset& reset) override;
  void on_writable(StreamId) override {}  // settle() watches a lower mark
  void on_stream_closed(StreamId id) override;
  void on_goaway(StreamId last_stream, wire::http2::ErrorCode code) override;
  void on_ping_ack(std::uint64_t opaque) override;
  void on_flood(wire::http2::Flood) override {}  // feed() fails, too

 private:
  void work();
  void read_all();
  void feed(std::string_view bytes);
  void tell_idle();
  void settle();
  void fail_unsendable();
  void lose(OriginFailure::Kind kind, std::string_view detail);
  void close();
  void on_timer();
  void watch_silence(Duration silent);

  WorkerContext& worker_;
  OriginPool& pool_;
  Slot& slot_;
  io::Stream stream_;
  io::Outbox out_;
  wire::http2::ClientSession wire_;
  H2Streams<OriginH2Request> streams_;
  List<OriginH2Request, UnsettledTag> unsettled_;
  List<OriginH2Request, TouchedTag> touched_;
  io::Deferred work_;
  io::MemberTimer<&OriginH2::on_timer> timer_{this};
  wire::http::RequestHead scratch_head_;
  std::uint64_t opened_ = 0;  // requests ever
  std::size_t unsent_ = 0;    // opened and not submitted yet
  Instant heard_at_, idle_since_;
  bool closed_ = false, leaving_ = false, readable_ = false, writable_ = false;
  bool end_coming_ = false;  // the peer ended its direction; what came before is still to be read
  bool settings_seen_ = false, ping_open_ = false, room_changed_ = false;
};

}  // namespace headgate::proxy
