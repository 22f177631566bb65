#pragma once
// What an HTTP/2 session tells its owner. Events come out of Session::feed and
// Session::take_output, on the caller's thread. From inside an event the owner may submit, send,
// reset, consume and release; it may not feed, take output, or destroy the session. Views are valid
// during the call. Heads come with their storage: who swaps or moves `storage` and the head out
// keeps every view valid without copying a field; who leaves them lets the session reuse the
// memory.
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/http/field.h"
#include "wire/http/message.h"
#include "wire/http2/error_code.h"
#include "wire/http2/flood.h"

namespace headgate::wire::http2 {

struct Reset {
  ErrorCode code = ErrorCode::kNoError;
  // The peer provably did nothing with the request: REFUSED_STREAM, above the last id of its
  // GOAWAY, or never sent. The request may be sent again elsewhere, whatever its method (RFC 9113
  // §8.7). Client only.
  bool unprocessed = false;
  const char* reason = "";  // static text: what broke, for the log
  bool broken = false;      // by the session, because of what the peer sent; else the peer ended it
};

// Both ends. For each stream: a head, then bodies, then perhaps trailers; the last of them says
// end_stream (trailers always do). on_reset replaces whatever was still to come. on_stream_closed
// is the last event of every announced stream.
class StreamEvents {
 public:
  virtual ~StreamEvents() = default;
  // Give the credit back with Session::consume when the bytes have gone on; `bytes` may be empty
  // when end_stream.
  virtual void on_body(StreamId stream, std::string_view bytes, bool end_stream) = 0;
  // Forbidden ones (RFC 9110 §6.5.1) are already left out.
  virtual void on_trailers(StreamId stream, http::Fields& fields, std::string& storage) = 0;
  // The stream broke: by the peer, or by the session because of what the peer sent. Never for
  // Session::reset.
  virtual void on_reset(StreamId stream, const Reset& reset) = 0;
  // The send buffer fell to the low-water mark after send_body had said stop.
  virtual void on_writable(StreamId stream) = 0;
  virtual void on_stream_closed(StreamId stream) = 0;
  // The peer's GOAWAY. Streams above last_stream get their own on_reset.
  virtual void on_goaway(StreamId last_stream, ErrorCode code) = 0;
  virtual void on_ping_ack(std::uint64_t opaque) = 0;
  // The peer spent a budget: the session is over; send what take_output still gives, then close.
  virtual void on_flood(Flood kind) = 0;
};

// A request that must not be forwarded but can be answered.
struct BadRequest {
  int status = 400;         // 400 or 431
  const char* reason = "";  // static text for the log, not for the answer
  // As far as it was understood; for the log.
  const http::RequestHead* head = nullptr;
};

class ServerEvents : public StreamEvents {
 public:
  // Call ServerSession::release(stream) once its work really ended.
  virtual void on_request(StreamId stream, http::RequestHead& head, std::string& storage,
                          bool end_stream) = 0;
  // Answer with submit_response; what the client still sends on the stream is discarded. No release
  // is due.
  virtual void on_bad_request(StreamId stream, const BadRequest& bad) = 0;
};

struct PeerSettings {
  std::uint32_t concurrent_streams_max = 100;
  bool extended_connect = false;  // RFC 8441: the origin takes :protocol
};

class ClientEvents : public StreamEvents {
 public:
  // Also for 1xx, several times before the final one (end_stream is then false).
  virtual void on_response(StreamId stream, http::ResponseHead& head, std::string& storage,
                           bool end_stream) = 0;
  virtual void on_settings(const PeerSettings& settings) = 0;
};

}  // namespace headgate::wire::http2
