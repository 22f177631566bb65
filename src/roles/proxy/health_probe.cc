#include "roles/proxy/health_probe.h"

#include <fmt/format.h>

#include <array>
#include <cstring>

#include "io/tls/handshake_facts.h"
#include "wire/grpc/message.h"
#include "wire/proxy_protocol/proxy_protocol.h"

namespace headgate::proxy {

namespace {

std::string authority_of(const model::HealthCheck& check, const Endpoint& endpoint,
                         std::uint16_t port, bool tls) {
  if (!check.host.empty()) return check.host;
  if (!endpoint.address.unix_path.empty()) return "localhost";
  if (endpoint.server_name.empty()) {
    return wire::ip::to_string(wire::ip::Endpoint{endpoint.address.endpoint.address, port});
  }
  return port == (tls ? 443 : 80) ? endpoint.server_name
                                  : fmt::format("{}:{}", endpoint.server_name, port);
}

// The check is our own connection: no client stands behind it.
std::string proxy_header_of(model::ProxyProtocol version) {
  std::string header;
  if (version == model::ProxyProtocol::kV1) wire::proxy_protocol::append_v1_unknown(header);
  if (version == model::ProxyProtocol::kV2) wire::proxy_protocol::append_v2_local(header);
  return header;
}

}  // namespace

void ProbeExchange::decide(bool passed, std::string detail) {
  if (!outcome_) outcome_ = std::make_unique<ProbeOutcome>(ProbeOutcome{passed, std::move(detail)});
}

HealthProbe::HealthProbe(io::Loop& loop, const model::Upstream& definition,
                         std::shared_ptr<const Endpoint> endpoint, io::tls::ClientContext* tls)
    : loop_(loop),
      definition_(definition),
      check_(definition.health_checks.front()),
      endpoint_(std::move(endpoint)),
      tls_(tls) {}

HealthProbe::~HealthProbe() = default;

void HealthProbe::start(Done done) {
  done_ = std::move(done);
  io::SocketAddress address = endpoint_->address;
  if (check_.port != 0 && address.unix_path.empty()) address.endpoint.port = check_.port;
  auto fd = io::connect_stream(address);
  if (!fd) return finish(false, fd.error().message);
  stream_ = io::Stream(std::move(*fd));
  out_.text() = proxy_header_of(definition_.send_proxy_protocol);
  if (auto added = loop_.add(stream_.fd(), io::Loop::kBoth, *this); !added)
    return finish(false, added.error().message);
  loop_.arm(timer_, check_.timeout);
}

void HealthProbe::abandon() {
  phase_ = Phase::kDone;
  loop_.disarm(timer_);
  stream_.close();
}

void HealthProbe::on_io(std::uint32_t) { proceed(); }

void HealthProbe::proceed() {
  if (phase_ == Phase::kConnect && !after_connect()) return;
  if (phase_ == Phase::kHeader && !send_header()) return;
  if (phase_ == Phase::kHandshake && (!handshake() || !begin_exchange())) return;
  if (phase_ == Phase::kExchange) exchange();
}

bool HealthProbe::after_connect() {
  if (const int error = io::connect_error(stream_.fd()); error != 0) {
    finish(false, fail_errno("connect", error).error().message);
    return false;
  }
  phase_ = Phase::kHeader;
  return true;
}

bool HealthProbe::send_header() {
  if (!flush()) return false;
  if (out_.blocked()) return false;
  phase_ = Phase::kHandshake;
  if (!tls_) return true;
  // A configured name holds for all endpoints; else each is asked for the name that led to it.
  const std::string_view name =
      definition_.tls.server_name.empty() ? std::string_view(endpoint_->server_name) : "";
  io::SslPtr ssl = tls_->connect(name);
  if (!ssl) {
    finish(false, "TLS: out of memory");
    return false;
  }
  stream_ = io::Stream(stream_.take_fd(), std::move(ssl));
  return true;
}

bool HealthProbe::handshake() {
  if (!tls_) return true;
  switch (stream_.handshake()) {
    case io::Transfer::State::kDone: return true;
    case io::Transfer::State::kWouldBlock: return false;
    default: break;
  }
  finish(false,
         "TLS: " + io::tls::client_handshake_error(stream_.ssl(), stream_.handshake_error()));
  return false;
}

bool HealthProbe::begin_exchange() {
  phase_ = Phase::kExchange;
  const bool grpc = check_.kind == model::HealthCheck::Kind::kGrpc;
  const bool h2 = tls_ ? io::tls::negotiated_h2(stream_.ssl())
                       : grpc || definition_.protocol == model::UpstreamProtocol::kHttp2;
  if (check_.kind == model::HealthCheck::Kind::kTcp) {
    finish(true, "connected");
    return false;
  }
  if (grpc && !h2) {
    finish(false, "the endpoint does not offer HTTP/2, which gRPC needs");
    return false;
  }
  const std::uint16_t port = check_.port != 0 ? check_.port : endpoint_->address.endpoint.port;
  const std::string authority = authority_of(check_, *endpoint_, port, tls_ != nullptr);
  const ProbeRequest request{grpc ? "POST" : "GET", tls_ ? "https" : "http", authority,
                             grpc ? wire::grpc::kHealthCheckPath : std::string_view(check_.path)};
  exchange_ = h2 ? make_h2_exchange(check_, request) : make_h1_exchange(check_, request);
  exchange_->take_output(out_.text());
  return true;
}

// Edge-triggered: reads and writes until the kernel has no more.
void HealthProbe::exchange() {
  std::array<char, 16384> buffer;
  while (true) {
    if (!flush()) return;
    const io::Transfer transfer = stream_.read(buffer.data(), buffer.size());
    if (transfer.state == io::Transfer::State::kWouldBlock) return;
    if (transfer.state == io::Transfer::State::kDone) {
      exchange_->feed({buffer.data(), transfer.bytes}, loop_.now());
      exchange_->take_output(out_.text());
      received_bytes_ += transfer.bytes;
    } else {
      exchange_->on_end();
    }
    if (const auto& outcome = exchange_->outcome())
      return finish(outcome->passed, std::move(outcome->detail));
    if (received_bytes_ > kReceivedBytesMax) return finish(false, "the response is too long");
  }
}

// False: the connection is broken and that was told. During the exchange the answer may lie there
// already: reading decides.
bool HealthProbe::flush() {
  if (out_.flush(stream_)) return true;
  out_.clear();
  if (phase_ == Phase::kExchange) return true;
  finish(false, "connection closed by the endpoint");
  return false;
}

void HealthProbe::on_timeout() {
  constexpr std::string_view kDuring[] = {"connect", "PROXY header", "TLS handshake", "response"};
  finish(false, fmt::format("timed out: {}", kDuring[static_cast<std::size_t>(phase_)]));
}

void HealthProbe::finish(bool passed, std::string detail) {
  if (phase_ == Phase::kDone) return;
  abandon();
  done_({passed, std::move(detail)});
}

}  // namespace headgate::proxy
