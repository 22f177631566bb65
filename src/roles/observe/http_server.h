#pragma once
// The HTTP/1.1 server of the operators' ports (metrics, health, status, API, purges): GET and HEAD
// from memory, POST of a little JSON where the site has a page for it. Lives on the control
// thread's loop; the site outlives it. Its cost is bounded by limits.h, because it has to work when
// nothing else does.
#include <cstdint>
#include <memory>
#include <vector>

#include "io/fd.h"
#include "io/loop.h"
#include "io/tls/server_context.h"
#include "roles/observe/site.h"

namespace headgate::observe {

class HttpConnection;

class HttpServer : public io::EventHandler {
 public:
  // `tls` null: plain. `listener` is listening already.
  HttpServer(io::Loop& loop, io::Fd listener, const Site& site,
             std::shared_ptr<io::tls::ServerContext> tls = nullptr);
  ~HttpServer() override;

  // Gives the port up to another process. Who is connected gets an answer to a request that is on
  // its way (kLastRequestTimeout), and is closed then.
  void stop_accepting();
  std::size_t connections() const { return connections_.size(); }

  void on_io(std::uint32_t events) override;

 private:
  friend class HttpConnection;
  void admit(io::Fd fd);
  bool make_room();
  void remove(HttpConnection& connection);
  void on_accept_again();

  io::Loop& loop_;
  io::Fd listener_;
  const Site& site_;
  std::shared_ptr<io::tls::ServerContext> tls_;
  std::vector<std::unique_ptr<HttpConnection>> connections_;
  io::MemberTimer<&HttpServer::on_accept_again> accept_again_{this};
};

}  // namespace headgate::observe
