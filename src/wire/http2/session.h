#pragma once
// One end of an HTTP/2 connection (RFC 9113) as a value machine over libnghttp2: bytes in, events
// out, bytes to send out. No I/O, no clock, no lock; one thread. The owner's loop is
//   feed(received, now)  ->  events  ->  take_output(buffer, max)  ->  one send() with the frames
//   of all ready streams.
// Flow control follows the owner: credit goes back by consume(), sending is bounded by the water
// marks of Limits. A session that failed (feed returned an error, or is_over()) only has output
// left; the owner sends it and closes. Idle memory: about 27 KB, of which 16 KB is the library's
// frame buffer.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "wire/http/field.h"
#include "wire/http2/error_code.h"
#include "wire/http2/events.h"
#include "wire/http2/limits.h"

namespace headgate::wire::http2 {

// Plain numbers of one session; the owner adds them to its own metrics.
struct SessionStats {
  std::uint64_t streams = 0;
  std::uint64_t bad_heads = 0;        // malformed requests or responses
  std::uint64_t oversized_heads = 0;  // answered 431, or reset
  std::uint64_t resets_received = 0;
  std::uint64_t resets_by_peer_fault = 0;  // sent because of what the peer did
  std::uint64_t refused_streams = 0;
  std::uint64_t body_bytes_sent = 0;
};

// Body bytes are there for the peer, which does not take them.
struct WaitingStream {
  StreamId id = 0;
  std::uint64_t sent = 0;  // of the body before them
  bool shut = false;       // for want of the stream's own window
};

class Engine;

class Session {
 public:
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;

  // Takes all bytes. An error ends the connection: its GOAWAY is in the output, nothing more is
  // read.
  Status feed(std::string_view bytes, Instant now);
  bool wants_write() const;
  // Appends frames until about `bytes_max` were added (one frame may go beyond) or nothing is
  // ready.
  void take_output(std::string& out, std::size_t bytes_max);
  // Nothing will come and nothing may be read any more: close when wants_write() is false.
  bool is_over() const;
  // The header block, or the frame other than DATA, that the peer has begun and not ended: a number
  // that no other has, or 0. How long one may take is the owner's to say.
  std::uint64_t unfinished_input() const;

  // Copies `bytes` (at most kBodyCallBytesMax) into the stream's buffer and returns what it holds
  // now. At or above limits.send_buffer_high_bytes: wait for on_writable. A stream that is gone
  // takes nothing and returns 0.
  std::size_t send_body(StreamId stream, std::string_view bytes, bool end_stream);
  // Ends the stream after the buffered body. Connection-specific fields are left out.
  void submit_trailers(StreamId stream, const http::Fields& fields);
  // Drops what is buffered. The stream stays known until on_stream_closed.
  void reset(StreamId stream, ErrorCode code);
  // The owner passed on `bytes` of the stream's body: their flow-control credit goes back to the
  // peer. What a stream held when it closed (server: closed and released) is forgiven: nothing
  // needs to be consumed after that.
  void consume(StreamId stream, std::size_t bytes);
  // Ends the connection now (a time-out, a broken transport): GOAWAY is the last output, streams
  // get no more events.
  void terminate(ErrorCode code);
  // on_ping_ack returns `opaque`.
  void ping(std::uint64_t opaque);

  std::size_t open_streams() const;  // announced and not yet closed
  std::size_t buffered_bytes(StreamId stream) const;
  std::uint64_t sent_bytes(StreamId stream) const;  // of its body, ever
  // The peer gives no window to this stream: what it holds waits for nothing else.
  bool is_shut(StreamId stream) const;
  // Streams other than tunnels that hold body bytes, by id.
  std::vector<WaitingStream> waiting_streams() const;
  std::size_t held_bytes() const;    // body bytes delivered and not consumed, all streams
  std::size_t memory_bytes() const;  // allocated now by the library and by the stream table
  const SessionStats& stats() const;

 protected:
  explicit Session(std::unique_ptr<Engine> engine);
  ~Session();
  std::unique_ptr<Engine> engine_;
};

}  // namespace headgate::wire::http2
