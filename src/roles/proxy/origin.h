#pragma once
// How an attempt speaks to an origin: one request and its response on an HTTP/1 connection or an HTTP/2 stream.
// Worker thread. The stream belongs to its connection; a receiver that loses interest calls cancel() and forgets it.
#include <cstddef>
#include <string_view>

#include "wire/http/message.h"

namespace headgate::proxy {

// Why an attempt ended without a complete response. decide/retry turns it into a verdict.
struct OriginFailure {
  enum class Kind : std::uint8_t {
    kConnect,        // no connection: nothing was written
    kTls,            // handshake or verification failed: nothing was written
    kOverflow,       // a limit of the upstream was reached: nothing was written
    kReset,          // the connection ended before the response was complete
    kRefused,        // HTTP/2: the peer says it did not process the stream
    kProtocol,       // the response breaks the protocol
    kTimeout,
    kStatus,         // a response with a status that the policy asks to repeat
  };
  Kind kind = Kind::kReset;
  bool reused = false;          // the connection had served another request before
  bool request_written = false; // some of the request may have reached the origin
  std::string_view detail;      // for the log; static text or alive during the call
};

class OriginStream;

class OriginReceiver {
 public:
  virtual ~OriginReceiver() = default;
  // The stream is ready for send_head(). Not called when acquire() returned a stream at once.
  virtual void on_origin_ready(OriginStream& stream) = 0;
  virtual void on_interim(int status, const wire::http::Fields& fields) = 0;
  virtual void on_response_head(wire::http::ResponseHead& head, bool end) = 0;
  virtual void on_response_body(std::string_view bytes, bool end) = 0;
  virtual void on_response_trailers(const wire::http::Fields& fields) = 0;  // ends the response
  virtual void on_origin_writable() = 0;
  // The last call; the stream is gone.
  virtual void on_origin_failed(const OriginFailure& failure) = 0;
  // All events of one readiness have been delivered: a good moment to flush what they caused.
  virtual void on_origin_idle() = 0;
};

class OriginStream {
 public:
  virtual ~OriginStream() = default;
  // `head.fields` are sent as they are, framing fields excepted: those follow `head.framing`.
  virtual void send_head(const wire::http::RequestHead& head, bool end) = 0;
  virtual void send_body(std::string_view bytes, bool end) = 0;
  virtual void send_trailers(const wire::http::Fields& fields) = 0;
  virtual void flush() = 0;
  virtual std::size_t buffered_bytes() const = 0;
  virtual void want_response_body(bool wanted) = 0;
  // After the response was received completely the stream goes by itself; before that, cancel() gives it up.
  virtual void cancel() = 0;
};

}  // namespace headgate::proxy
