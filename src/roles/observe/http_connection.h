#pragma once
// One connection of HttpServer: reads a request, answers it from the site, writes; one request at a
// time, in order. Lives on the server's loop; the server owns it and retires it when it asks for
// that.
#include <cstdint>
#include <memory>
#include <string>

#include "base/time.h"
#include "io/loop.h"
#include "io/outbox.h"
#include "io/stream.h"
#include "roles/observe/site.h"
#include "wire/http/message.h"

namespace headgate::observe {

class HttpServer;

class HttpConnection : public io::EventHandler, public Reply::Asker {
 public:
  HttpConnection(HttpServer& server, io::Stream stream);
  ~HttpConnection() override;
  Status start();

  // Waits for a request of which nothing has arrived.
  bool idle() const { return established_ && in_.empty() && out_.empty() && !waits_for_reply_; }
  Instant idle_since() const { return idle_since_; }
  // The next answer is the last one. A request that crosses this is answered all the same.
  void expect_last_request();

  void on_io(std::uint32_t events) override;
  void finish(const Answer& answer) override;

 private:
  enum class Step : std::uint8_t { kAgain, kWait, kClose };
  Step step();
  Step handshake();
  Step flush();
  Step read();
  Step take_request();
  bool refuse_content(bool is_post);
  bool refuse_cross_site();
  void answer(std::string_view body);
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
  bool expects_last_ = false;
  bool is_answering_ = false;
  bool waits_for_reply_ = false;
  std::shared_ptr<Reply::Asker*> reply_to_;
  Instant idle_since_;
  wire::http::RequestHead head_;
  io::MemberTimer<&HttpConnection::on_deadline> deadline_{this};
};

}  // namespace headgate::observe
