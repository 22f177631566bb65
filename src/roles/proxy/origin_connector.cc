#include "roles/proxy/origin_connector.h"

#include <cstring>

#include "io/tls/handshake_facts.h"
#include "roles/proxy/origin_pool.h"

namespace headgate::proxy {

OriginConnector::OriginConnector(WorkerContext& worker, ConnectOwner& owner, const model::Upstream& definition, Slot& slot,
                                 io::tls::ClientContext* tls, bool http)
    : worker_(worker), owner_(owner), definition_(definition), slot_(slot), tls_(tls), http_(http) {}

bool OriginConnector::start(std::string proxy_header) {
  auto fd = io::connect_stream(slot_.endpoint->address);
  if (!fd) return false;
  stream_ = io::Stream(std::move(*fd));
  out_.text() = std::move(proxy_header);
  if (!worker_.loop.add(stream_.fd(), io::Loop::kBoth, *this)) return false;
  worker_.loop.arm(timer_, definition_.connect_timeout);
  return true;
}

void OriginConnector::on_io(std::uint32_t) {
  if (phase_ != Phase::kDone) proceed();
}

void OriginConnector::proceed() {
  if (phase_ == Phase::kConnect && !after_connect()) return;
  if (phase_ == Phase::kHeader && !send_header()) return;
  if (phase_ == Phase::kHandshake && !handshake()) return;
  finish();
}

bool OriginConnector::after_connect() {
  if (const int error = io::connect_error(stream_.fd()); error != 0) {
    char buffer[128];
    error_ = strerror_r(error, buffer, sizeof buffer);
    fail(OriginFailure::Kind::kConnect, error_);
    return false;
  }
  phase_ = Phase::kHeader;
  return true;
}

bool OriginConnector::send_header() {
  if (!out_.flush(stream_)) {
    fail(OriginFailure::Kind::kConnect, "connection closed while the PROXY header was sent");
    return false;
  }
  if (out_.blocked()) return false;
  phase_ = Phase::kHandshake;
  if (!tls_) return true;
  // A configured name wins over the one that the endpoint was found by.
  const bool named = !definition_.tls.server_name.empty();
  io::SslPtr ssl = tls_->connect(named ? std::string_view() : slot_.endpoint->server_name);
  if (!ssl) {
    fail(OriginFailure::Kind::kTls, "out of memory");
    return false;
  }
  if (!http_) io::tls::offer_no_protocol(ssl.get());
  stream_ = io::Stream(stream_.take_fd(), std::move(ssl));
  return true;
}

bool OriginConnector::handshake() {
  if (!tls_) return true;
  switch (stream_.handshake()) {
    case io::Transfer::State::kDone: return true;
    case io::Transfer::State::kWouldBlock: return false;
    default: break;
  }
  error_ = io::tls::client_handshake_error(stream_.ssl(), stream_.handshake_error());
  fail(OriginFailure::Kind::kTls, error_);
  return false;
}

void OriginConnector::on_timeout() {
  fail(OriginFailure::Kind::kConnect, phase_ == Phase::kConnect ? "connect timed out" : "TLS handshake timed out");
}

void OriginConnector::finish() {
  phase_ = Phase::kDone;
  worker_.loop.disarm(timer_);
  const bool h2 = tls_ ? io::tls::negotiated_h2(stream_.ssl())
                       : definition_.protocol == model::UpstreamProtocol::kHttp2;
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(this));
  owner_.connected(*this, std::move(stream_), h2);
}

void OriginConnector::fail(OriginFailure::Kind kind, std::string_view detail) {
  phase_ = Phase::kDone;
  worker_.loop.disarm(timer_);
  stream_.close();
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(this));
  owner_.connect_failed(*this, {kind, false, false, detail});
}

void OriginConnector::abandon() {
  phase_ = Phase::kDone;
  io::set_reset_on_close(stream_.fd());  // an end in good order would look like an empty message
  worker_.loop.disarm(timer_);
  stream_.close();
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(this));
}

}  // namespace headgate::proxy
