#pragma once
// One connection of HttpServer: reads a head, answers it from the site, writes; one request at a
// time, in order. Lives on the server's loop; the server owns it and retires it when it asks for
// that.
#include <cstdint>
#include <string>

#include "base/time.h"
#include "io/loop.h"
#include "io/outbox.h"
#include "io/stream.h"
#include "roles/observe/site.h"
#include "wire/http/message.h"

namespace headgate::observe {

class HttpServer;

class HttpConnection : public io::EventHandler {
 public:
  HttpConnection(HttpServer& server, io::Stream stream);
  ~HttpConnection() override;
  Status start();

  // Waits for a request of which nothing has arrived.
  bool idle() const { return established_ && in_.empty() && out_.empty(); }
  Instant idle_since() const { return idle_since_; }
  void close_after_answer() { keep_alive_ = false; }

  void on_io(std::uint32_t events) override;

 private:
  enum class Step : std::uint8_t { kAgain, kWait, kClose };
  Step step();
  Step handshake();
  Step flush();
  Step read();
  Step take_request();
  void answer(std::string_view head);
  void refuse(int status, std::string_view reason);
  void write(const Answer& answer, bool with_body);
  void on_deadline();

  HttpServer& server_;
  io::Stream stream_;
  io::Outbox out_;
  std::string in_;
  std::size_t scanned_ = 0;
  bool established_ = false;
  bool keep_alive_ = true;
  Instant idle_since_;
  wire::http::RequestHead head_;
  io::MemberTimer<&HttpConnection::on_deadline> deadline_{this};
};

}  // namespace headgate::observe
