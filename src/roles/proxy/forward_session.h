#pragma once
// Passes bytes both ways between a client and an endpoint, without knowing what they are: TCPRoute, TLSRoute (passed through
// or terminated). Half-close travels both ways, a reset as a reset; each direction holds one read at most and stops its
// sender while the receiver takes nothing. Outlives the configuration that began it. Worker thread; owns itself.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "roles/proxy/forward_target.h"
#include "roles/proxy/origin_connector.h"
#include "roles/proxy/session.h"
#include "roles/proxy/tunnel_direction.h"

namespace headgate::proxy {

class ForwardSession final : public Session, public ConnectOwner {
 public:
  ForwardSession(WorkerContext& worker, Sessions& sessions, ConnectionFacts facts, io::Stream stream);
  ~ForwardSession() override;
  // `received`: bytes of the client that were read already. `server_name`: SNI, "" without TLS.
  void start(std::string_view received, std::string_view server_name);

  void on_io(std::uint32_t events) override;  // of the client
  void drain() override {}  // goes on for as long as the drain may take; the worker kills what is left
  void kill() override { end_with_reset("killed", Source::kSelf); }
  bool idle() const override { return false; }
  const PortView* port() const override { return facts_.port; }

  void connected(OriginConnector& connector, io::Stream stream, bool h2) override;
  void connect_failed(OriginConnector& connector, const OriginFailure& failure) override;

 private:
  enum class Phase : std::uint8_t { kConnecting, kOpen, kClosed };
  // Readiness of the endpoint's side.
  class OriginSide final : public io::EventHandler {
   public:
    explicit OriginSide(ForwardSession& session) : session_(session) {}
    void on_io(std::uint32_t events) override { session_.on_origin_io(events); }

   private:
    ForwardSession& session_;
  };

  void choose(std::string_view server_name);
  void connect();
  // False: at once, without a connector.
  bool connect_to(Slot& slot);
  std::string proxy_header() const;
  void attempt_failed(const char* reason, std::string_view detail);
  std::uint32_t attempts_max() const;

  void on_origin_io(std::uint32_t events);
  void pump();
  // False: the session is over.
  bool pump_one(TunnelDirection& direction, io::Stream& from, io::Stream& to, io::EventHandler& to_handler, bool from_client);
  void count_moved();
  void on_idle();
  void on_too_old();

  void refuse_unknown_name();
  void end_with_reset(const char* reason, Source fault, std::string_view detail = {});
  void end(const char* reason, Source fault, std::string_view detail = {});
  void release_origin();
  void log(const char* reason, Source fault, std::string_view detail);

  WorkerContext& worker_;
  ConnectionFacts facts_;
  io::Stream client_, origin_;
  ForwardRoute route_;
  std::shared_ptr<OriginPool> pool_;
  EndpointUse use_;
  std::vector<std::shared_ptr<Endpoint>> tried_;
  OriginConnector* connector_ = nullptr;
  OriginSide origin_side_{*this};
  TunnelDirection up_, down_;       // from the client, to the client
  std::uint64_t counted_up_ = 0, counted_down_ = 0;
  std::string server_name_;
  std::string last_failure_;
  const Instant started_;
  Phase phase_ = Phase::kConnecting;
  bool connection_counted_ = false;
  io::MemberTimer<&ForwardSession::on_idle> idle_{this};
  io::MemberTimer<&ForwardSession::on_too_old> age_{this};
  io::Deferred pump_later_;
};

}  // namespace headgate::proxy
