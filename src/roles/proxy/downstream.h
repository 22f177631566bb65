#pragma once
// How an exchange speaks to its client. Implemented by SessionH1 and by each stream of SessionH2.
// Worker thread. Nothing needs to reach the kernel before flush(): heads and small bodies leave in one send.
#include <cstddef>
#include <string_view>

#include "base/check.h"
#include "wire/http/message.h"

namespace headgate::proxy {

// What follows a response head.
struct ResponseBody {
  enum class Kind : std::uint8_t {
    kNone,    // nothing, whatever the fields say (HEAD, 204, 304)
    kLength,  // exactly `length` bytes
    kStream,  // until end: chunked, close-delimited or END_STREAM, as the version has it
    kTunnel,  // bytes both ways until both sides ended (101, 2xx to CONNECT)
  };
  Kind kind = Kind::kNone;
  std::uint64_t length = 0;
};

class Downstream {
 public:
  virtual ~Downstream() = default;
  // 1xx other than 101. Dropped where the version cannot carry it (HTTP/1.0).
  virtual void send_interim(int status, const wire::http::Fields& fields) = 0;
  virtual void send_head(int status, const wire::http::Fields& fields, ResponseBody body) = 0;
  // The same with fields before those that are lines of HTTP/1 already. Only where takes_lines()
  // says so.
  virtual bool takes_lines() const { return false; }
  virtual void send_head_with(std::string_view lines, int status, const wire::http::Fields& fields,
                              ResponseBody body) {
    HG_CHECK(lines.empty(), "lines of HTTP/1 go to a session that takes them");
    send_head(status, fields, body);
  }
  virtual void send_body(std::string_view bytes, bool end) = 0;
  // Two pieces of a body that lie apart, in one write where that is possible.
  virtual void send_pieces(std::string_view first, std::string_view second, bool end) {
    send_body(first, false);
    send_body(second, end);
  }
  // Ends the message. Fields that the client cannot take are dropped.
  virtual void send_trailers(const wire::http::Fields& fields) = 0;
  virtual void flush() = 0;
  // Bytes accepted but not yet taken by the kernel; when they fall to zero the exchange hears on_client_writable().
  virtual std::size_t buffered_bytes() const = 0;
  // Whether the client took bytes of the response since this was asked last.
  virtual bool reads_on() = 0;
  // Whether request body bytes are wanted now. A session that is paused stops reading, so the peer is stopped too.
  virtual void want_request_body(bool wanted) = 0;
  // The response cannot be completed: the client must see that (no last chunk; RST_STREAM).
  virtual void abort() = 0;
  // The exchange is over and will not touch this object again.
  virtual void exchange_done() = 0;
};

}  // namespace headgate::proxy
