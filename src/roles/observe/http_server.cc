#include "roles/observe/http_server.h"

#include <algorithm>

#include "io/socket.h"
#include "roles/observe/http_connection.h"
#include "roles/observe/limits.h"

namespace headgate::observe {

namespace {
constexpr std::string_view kBusy =
    "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 21\r\nConnection: close\r\n\r\ntoo many "
    "connections\n";
}

HttpServer::HttpServer(io::Loop& loop, io::Fd listener, const Site& site,
                       std::shared_ptr<io::tls::ServerContext> tls)
    : loop_(loop), listener_(std::move(listener)), site_(site), tls_(std::move(tls)) {
  // Level-triggered: what could not be accepted now is told again.
  if (!loop_.add(listener_.get(), EPOLLIN, *this)) loop_.arm(accept_again_, kAcceptPause);
}

HttpServer::~HttpServer() {
  if (listener_.valid()) loop_.remove(listener_.get());
}

void HttpServer::on_io(std::uint32_t) {
  while (listener_.valid()) {
    Result<io::Accepted> accepted = io::accept_stream(listener_.get());
    if (accepted) {
      admit(std::move(accepted->fd));
      continue;
    }
    if (accepted.error().code == Code::kExhausted) {
      loop_.remove(listener_.get());
      loop_.arm(accept_again_, kAcceptPause);
    }
    return;
  }
}

void HttpServer::on_accept_again() {
  if (listener_.valid() && !loop_.add(listener_.get(), EPOLLIN, *this))
    loop_.arm(accept_again_, kAcceptPause);
}

void HttpServer::admit(io::Fd fd) {
  if (!make_room()) {
    if (!tls_) io::send(fd.get(), kBusy);
    return;
  }
  io::Stream stream;
  if (tls_) {
    io::SslPtr ssl = tls_->accept();
    if (!ssl) return;
    stream = io::Stream(std::move(fd), std::move(ssl));
  } else {
    stream = io::Stream(std::move(fd));
  }
  connections_.push_back(std::make_unique<HttpConnection>(*this, std::move(stream)));
  if (!connections_.back()->start()) connections_.pop_back();
}

bool HttpServer::make_room() {
  if (connections_.size() < kConnectionsMax) return true;
  HttpConnection* oldest = nullptr;
  for (const auto& connection : connections_) {
    if (connection->idle() && (!oldest || connection->idle_since() < oldest->idle_since()))
      oldest = connection.get();
  }
  if (oldest) remove(*oldest);
  return oldest != nullptr;
}

void HttpServer::remove(HttpConnection& connection) {
  const auto at = std::find_if(connections_.begin(), connections_.end(),
                               [&](const auto& one) { return one.get() == &connection; });
  if (at == connections_.end()) return;
  loop_.retire(std::move(*at));
  connections_.erase(at);
}

void HttpServer::stop_accepting() {
  if (!listener_.valid()) return;
  loop_.remove(listener_.get());
  loop_.disarm(accept_again_);
  listener_.reset();
  for (const auto& connection : connections_) connection->expect_last_request();
}

}  // namespace headgate::observe
