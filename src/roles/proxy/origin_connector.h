#pragma once
// Makes one connection to an endpoint: TCP or Unix connect, PROXY protocol header, TLS handshake. Reports to its owner once.
#include <string>

#include "io/loop.h"
#include "io/outbox.h"
#include "io/stream.h"
#include "io/tls/client_context.h"
#include "model/upstream.h"
#include "roles/proxy/origin.h"
#include "roles/proxy/worker_context.h"

namespace headgate::proxy {

struct Slot;
class OriginConnector;

// Who asked for the connection. The connector is over when it calls: it destroys itself at the end of the turn.
class ConnectOwner {
 public:
  virtual ~ConnectOwner() = default;
  // The descriptor is in the loop for the connector: take it over with Loop::modify.
  virtual void connected(OriginConnector& connector, io::Stream stream, bool h2) = 0;
  virtual void connect_failed(OriginConnector& connector, const OriginFailure& failure) = 0;
};

class OriginConnector final : public io::EventHandler {
 public:
  // What speaks no HTTP over TLS offers no protocol by ALPN (`http` false).
  OriginConnector(WorkerContext& worker, ConnectOwner& owner, const model::Upstream& definition, Slot& slot,
                  io::tls::ClientContext* tls, bool http = true);
  // False when the connection failed at once; the object is then to be destroyed by the caller.
  bool start(std::string proxy_header);
  Slot& slot() const { return slot_; }
  void abandon();  // the owner goes away

  void on_io(std::uint32_t events) override;

 private:
  enum class Phase : std::uint8_t { kConnect, kHeader, kHandshake, kDone };
  void proceed();
  bool after_connect();
  bool send_header();
  bool handshake();
  void on_timeout();
  void finish();
  void fail(OriginFailure::Kind kind, std::string_view detail);

  WorkerContext& worker_;
  ConnectOwner& owner_;
  const model::Upstream& definition_;
  Slot& slot_;
  io::tls::ClientContext* tls_;
  const bool http_;
  io::Stream stream_;
  io::Outbox out_;
  std::string error_;
  Phase phase_ = Phase::kConnect;
  io::MemberTimer<&OriginConnector::on_timeout> timer_{this};
};

}  // namespace headgate::proxy
