#pragma once
// The common half of both ends: owns the library's session and the stream records, turns its
// callbacks into events. Private to wire/http2; owners use ServerSession and ClientSession. The
// library checks frames, states and windows; its HTTP message checks are off, because
// head_assembler makes them and lets a server answer 400 instead of resetting.
#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "wire/http2/events.h"
#include "wire/http2/flood.h"
#include "wire/http2/frame_scanner.h"
#include "wire/http2/head_assembler.h"
#include "wire/http2/limits.h"
#include "wire/http2/session.h"
#include "wire/http2/stream.h"

namespace headgate::wire::http2 {

class Engine {
 public:
  enum class Side : std::uint8_t { kServer, kClient };

  Engine(Side side, StreamEvents& events, const Limits& limits);
  virtual ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  Status feed(std::string_view bytes, Instant now);
  bool wants_write() const;
  void take_output(std::string& out, std::size_t bytes_max);
  bool is_over() const;
  std::uint64_t unfinished_input() const { return scanner_.unfinished(); }

  std::size_t send_body(StreamId id, std::string_view bytes, bool end_stream);
  void submit_trailers(StreamId id, const http::Fields& fields);
  void reset(StreamId id, ErrorCode code);
  void consume(StreamId id, std::size_t bytes);
  void terminate(ErrorCode code);
  void ping(std::uint64_t opaque);

  std::size_t open_streams() const { return open_; }
  std::size_t held_bytes() const { return held_; }
  std::size_t memory_bytes() const { return library_bytes_ + streams_.memory_bytes(); }
  const Stream* stream(StreamId id) const { return streams_.find(id); }
  bool is_shut(StreamId id) const;
  std::vector<WaitingStream> waiting_streams() const;
  const SessionStats& stats() const { return stats_; }

 protected:
  // A header block opened for `stream`; says what it is.
  virtual HeadAssembler::Kind head_begun(Stream& stream) = 0;
  // The first, or final, head of the stream is complete. Trailers are handled here.
  virtual void head_complete(Stream& stream, bool end_stream) = 0;
  // Which streams may come into being by a header block of the peer.
  virtual bool accepts_new_streams() const = 0;
  virtual void settings_received() {}
  virtual void goaway_received(StreamId, ErrorCode) {}
  virtual void stream_ended(Stream&) {}  // END_STREAM was sent
  virtual bool is_refused_by_goaway(StreamId) const { return false; }
  virtual void before_output() {}

  void announce(Stream& stream);
  // Ends the stream because of the peer: RST_STREAM, on_reset.
  void break_stream(Stream& stream, ErrorCode code, const char* reason);
  void end_input(
      Stream& stream);  // END_STREAM of the peer; breaks the stream when content is missing
  void submit_reset(Stream& stream, ErrorCode code);
  void forget_if_done(Stream& stream);
  void charge(Flood kind);  // kills the session when the budget is spent
  void kill(Flood kind);
  nghttp2_data_provider body_of(Stream& stream);
  Stream& open_stream(StreamId id);
  Stream* usable(StreamId id);  // neither gone nor reset

  Limits limits_;
  StreamEvents& events_;
  nghttp2_session* session_ = nullptr;
  StreamTable streams_;
  HeadAssembler heads_;
  SessionStats stats_;
  bool draining_ = false;     // announced; the last stream is not fixed yet
  bool last_due_ = false;     // the next output fixes it
  bool last_unsent_ = false;  // the GOAWAY that fixes it is queued
  bool failed_ = false;

 private:
  friend struct Callbacks;

  void start(Side side);
  void submit_settings(Side side);
  void pump(std::string& out, std::size_t size_max);
  void tell_writable();
  void finish_block(Stream& stream, bool end_stream);
  void trailers_complete(Stream& stream, bool end_stream);
  void credit(Stream& stream, std::size_t bytes);
  void submit_pending_trailers(Stream& stream);
  void obey_kill();
  std::unexpected<Error> failed(std::string message);

  // Callbacks of the library; see engine_callbacks.cc.
  int on_begin_headers(const nghttp2_frame& frame);
  int on_header(std::string_view name, std::string_view value);
  int on_frame(const nghttp2_frame& frame);
  void on_data_frame(const nghttp2_frame& frame);
  int on_data(std::uint8_t flags, StreamId id, std::string_view bytes);
  void on_sent(const nghttp2_frame& frame);
  void on_not_sent(const nghttp2_frame& frame);
  void on_close(StreamId id, ErrorCode code);
  ssize_t read_body(Stream& stream, std::size_t length_max, std::uint32_t& flags);
  int write_data(const nghttp2_frame& frame, const std::uint8_t* header, std::size_t length,
                 Stream& stream);

  FloodGuard guard_;
  FrameScanner scanner_;
  Instant now_{};
  std::string* out_ = nullptr;  // while take_output runs
  std::size_t out_size_max_ = 0;
  std::vector<StreamId> writable_;  // to be told
  http::Fields trailers_;
  std::size_t open_ = 0;
  std::size_t held_ = 0;
  std::size_t owed_ = 0;  // connection credit withheld because held_ was above its limit
  std::size_t library_bytes_ = 0;
  std::optional<Flood> killed_;
  Stream* block_stream_ = nullptr;  // whose header block comes in
  std::uint32_t data_left_ = 0;     // of the DATA frame that comes in
  bool kill_obeyed_ = false;
  bool busy_ = false;  // inside the library
};

}  // namespace headgate::wire::http2
