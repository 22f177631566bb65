#include "roles/proxy/client_handshake.h"

#include "io/tls/handshake_facts.h"
#include "io/tls/server_context.h"
#include "roles/proxy/forward_session.h"
#include "wire/proxy_protocol/proxy_protocol.h"
#include "wire/tls_hello/client_hello.h"

namespace headgate::proxy {

using model::PortProtocol;

ClientHandshake::ClientHandshake(WorkerContext& worker, Sessions& sessions, ConnectionFacts facts, io::Stream stream)
    : Session(sessions), worker_(worker), facts_(std::move(facts)), stream_(std::move(stream)),
      begin_([](void* self) { static_cast<ClientHandshake*>(self)->proceed(); }, this) {
  sessions_.opened(*this);
}

ClientHandshake::~ClientHandshake() = default;

void ClientHandshake::start() {
  const model::PortSettings& settings = facts_.port->port->settings;
  worker_.loop.arm(timer_, settings.tls_handshake_timeout);
  if (!worker_.loop.add(stream_.fd(), io::Loop::kBoth, *this)) return close();
  phase_ =
      speaks_proxy_protocol(settings, facts_.peer.address) ? Phase::kProxyHeader : Phase::kBegin;
  worker_.loop.defer(begin_);
}

void ClientHandshake::on_io(std::uint32_t) { proceed(); }

void ClientHandshake::proceed() {
  if (phase_ == Phase::kProxyHeader && !read_proxy_header()) return;
  if (phase_ == Phase::kBegin && !begin()) return;
  if (phase_ == Phase::kTls && !tls_handshake()) return;
  if (phase_ == Phase::kHello) read_hello();
}

// Peeks, so that nothing behind the header is taken from the TLS or HTTP reader that follows.
bool ClientHandshake::read_proxy_header() {
  namespace pp = wire::proxy_protocol;
  char buffer[pp::kHeaderBytesMax];
  const io::Transfer seen = io::peek(stream_.fd(), buffer, sizeof buffer);
  if (seen.state == io::Transfer::State::kWouldBlock) return false;
  const auto parsed = pp::parse({buffer, seen.bytes});
  if (seen.state == io::Transfer::State::kDone && parsed.state == pp::State::kNeedMore && seen.bytes < sizeof buffer) return false;
  if (seen.state != io::Transfer::State::kDone || parsed.state != pp::State::kHeader) {
    worker_.stats.proxy_protocol_errors.add();
    close();
    return false;
  }
  stream_.read(buffer, parsed.bytes);
  if (parsed.header.kind == pp::Header::Kind::kIp) {
    facts_.peer = parsed.header.source;
    facts_.local = parsed.header.destination;
    facts_.peer_text = wire::ip::to_string(facts_.peer.address);
  }
  if (!sessions_.admit(facts_)) {
    io::set_reset_on_close(stream_.fd());
    close();
    return false;
  }
  phase_ = Phase::kBegin;
  return true;
}

bool ClientHandshake::begin() {
  if (!facts_.port->port) {
    close();
    return false;
  }
  switch (facts_.port->port->protocol) {
    case PortProtocol::kHttp: {
      leave();
      sessions_.start_h1(std::move(facts_), std::move(stream_), {});
      return false;
    }
    case PortProtocol::kTlsPassthrough: phase_ = Phase::kHello; return true;
    case PortProtocol::kTcp: {
      leave();
      sessions_.start_forward(std::move(facts_), std::move(stream_), {}, {});
      return false;
    }
    default: break;
  }
  io::SslPtr ssl = facts_.port->tls ? facts_.port->tls->accept() : nullptr;
  if (!ssl) {
    close();
    return false;
  }
  stream_ = io::Stream(stream_.take_fd(), std::move(ssl));
  phase_ = Phase::kTls;
  return true;
}

bool ClientHandshake::tls_handshake() {
  switch (stream_.handshake()) {
    case io::Transfer::State::kDone: break;
    case io::Transfer::State::kWouldBlock: return false;
    default:
      worker_.stats.tls_failures.add();
      stream_.shutdown();  // lets the alert out
      close();
      return false;
  }
  hand_over_tls();
  return false;
}

void ClientHandshake::hand_over_tls() {
  SSL* ssl = stream_.ssl();
  const io::tls::HandshakeFacts handshake = io::tls::handshake_facts(ssl);
  worker_.stats.tls_handshakes.add();
  if (handshake.resumed) worker_.stats.tls_resumed.add();
  facts_.tls = true;
  facts_.tls_version = handshake.version;
  facts_.tls_cipher = handshake.cipher;
  const std::uint32_t index = io::tls::listener_index(ssl);
  const model::Port* port = facts_.port->port;
  if (!port || index >= port->listeners.size()) return close();
  facts_.tls_hostname = port->listeners[index].hostname;
  if (const auto identity = io::tls::client_identity(ssl); identity && identity->verified) {
    facts_.client_subject = identity->subject;
  }
  const bool h2 = io::tls::negotiated_h2(ssl);
  const bool http = port->protocol == PortProtocol::kHttps;
  const std::string name(handshake.server_name);
  leave();
  if (!http) sessions_.start_forward(std::move(facts_), std::move(stream_), {}, name);
  else if (h2) sessions_.start_h2(std::move(facts_), std::move(stream_), {});
  else sessions_.start_h1(std::move(facts_), std::move(stream_), {});
}

// The ClientHello is peeked at: the backend gets it untouched.
bool ClientHandshake::read_hello() {
  char buffer[wire::tls_hello::kBytesMax];
  const io::Transfer seen = io::peek(stream_.fd(), buffer, sizeof buffer);
  if (seen.state == io::Transfer::State::kWouldBlock) return false;
  if (seen.state != io::Transfer::State::kDone) {
    close();
    return false;
  }
  const auto parsed = wire::tls_hello::parse({buffer, seen.bytes});
  if (parsed.state == wire::tls_hello::State::kNeedMore && seen.bytes < sizeof buffer) return false;
  if (parsed.state != wire::tls_hello::State::kHello) {
    worker_.stats.tls_failures.add();
    close();
    return false;
  }
  const std::string name(parsed.hello.server_name);
  leave();
  sessions_.start_forward(std::move(facts_), std::move(stream_), {}, name);
  return false;
}

// Makes way for the session that follows; the descriptor stays in the loop under no handler until that one registers.
void ClientHandshake::leave() {
  phase_ = Phase::kClosed;
  worker_.loop.disarm(timer_);
  worker_.loop.remove(stream_.fd());
  sessions_.passed_on(*this);
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(this));
}

void ClientHandshake::on_timeout() {
  worker_.stats.timeouts_head.add();
  close();
}

void ClientHandshake::close() {
  if (phase_ == Phase::kClosed) return;
  leave();
  facts_.place.release();
  stream_.close();
}

}  // namespace headgate::proxy
