#pragma once
// The server's end: requests come in, responses go out. See session.h for the loop, threads and
// limits. A request counts against limits.concurrent_streams_max until release(), not until its
// stream closed: a client that resets streams cannot start more backend work than one that waits
// (CVE-2023-44487, CVE-2025-8671). When a response ends before its request did,
// RST_STREAM(NO_ERROR) follows it (RFC 9113 §8.1).
#include "wire/http2/session.h"

namespace headgate::wire::http2 {

class ServerSession final : public Session {
 public:
  // Reads the client's preface itself: feed it from the first byte (ALPN h2 or prior knowledge).
  // `events` outlives the session. `limits` must be is_consistent().
  ServerSession(ServerEvents& events, const Limits& limits);
  ~ServerSession();

  // Once for each stream, before its body. Connection-specific fields are left out; names become
  // lower case.
  void submit_response(StreamId stream, int status, const http::Fields& fields, bool end_stream);
  // 1xx, any number of times before submit_response; not 101.
  void submit_interim(StreamId stream, int status, const http::Fields& fields);

  // The backend work of the request ended. Also after the stream closed; a stream that is not
  // counted is ignored.
  void release(StreamId stream);
  std::size_t unreleased() const;

  // Graceful shutdown: begin_drain announces it (GOAWAY 2^31-1) and pings; when
  // on_ping_ack(kDrainPing) came, or after a timer, finish_drain fixes the last stream. Requests
  // that raced are still served; is_over() when they ended.
  static constexpr std::uint64_t kDrainPing = 0x647261696e000001;
  void begin_drain();
  void finish_drain();
};

}  // namespace headgate::wire::http2
