#pragma once
// What happens on a client connection before its protocol is known: PROXY protocol header (from listed sources), TLS
// handshake or a look at the ClientHello, then the session of the protocol that was found. Worker thread; owns itself.
// One timer bounds all of it. Counted as a session from the first moment, so that half-open ones fall under the limits.
#include <string>

#include "roles/proxy/session.h"

namespace headgate::proxy {

class ClientHandshake final : public Session {
 public:
  ClientHandshake(WorkerContext& worker, Sessions& sessions, ConnectionFacts facts, io::Stream stream);
  ~ClientHandshake() override;
  void start();

  void on_io(std::uint32_t events) override;
  void drain() override {}  // short-lived: its timer ends it
  void kill() override { close(); }
  bool idle() const override { return false; }
  const PortView* port() const override { return facts_.port; }

 private:
  enum class Phase : std::uint8_t { kProxyHeader, kBegin, kTls, kHello, kClosed };
  void proceed();
  bool read_proxy_header();
  bool begin();
  bool tls_handshake();
  bool read_hello();
  void hand_over_tls();
  void leave();
  void on_timeout();
  void close();

  WorkerContext& worker_;
  ConnectionFacts facts_;
  io::Stream stream_;
  std::string in_;
  Phase phase_ = Phase::kProxyHeader;
  io::MemberTimer<&ClientHandshake::on_timeout> timer_{this};
  io::Deferred begin_;
};

}  // namespace headgate::proxy
