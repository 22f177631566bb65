#pragma once
// One active check of one endpoint: connects, sends the PROXY header and shakes hands where the
// upstream wants that, asks, and says once whether the endpoint is well. Control thread;
// non-blocking; ends by itself at the check's timeout. HTTP is spoken as the proxy would: HTTP/1.1,
// or HTTP/2 by configuration or ALPN. gRPC needs HTTP/2. Limits: a response head of 32 KiB, 16
// interim responses, a gRPC message of 4 KiB, kReceivedBytesMax in all; more is a failed check.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "io/callback.h"
#include "io/loop.h"
#include "io/outbox.h"
#include "io/stream.h"
#include "io/tls/client_context.h"
#include "model/upstream.h"
#include "roles/proxy/upstream_state.h"

namespace headgate::proxy {

struct ProbeOutcome {
  bool passed = false;
  std::string detail;  // "status 503", "connect: Connection refused"
};

// What is asked and judged, once the connection stands.
class ProbeExchange {
 public:
  virtual ~ProbeExchange() = default;
  // Appends what is to be sent; called after each feed() too.
  virtual void take_output(std::string& out) = 0;
  // Fails or passes by setting outcome().
  virtual void feed(std::string_view bytes, Instant now) = 0;
  virtual void on_end() = 0;  // the peer closed
  const std::unique_ptr<ProbeOutcome>& outcome() const { return outcome_; }

 protected:
  void decide(bool passed, std::string detail);  // the first decision stands
  std::unique_ptr<ProbeOutcome> outcome_;
};

struct ProbeRequest {
  std::string_view method, scheme, authority, path;
};
// `check` outlives the exchange, the request need not.
std::unique_ptr<ProbeExchange> make_h1_exchange(const model::HealthCheck& check,
                                                const ProbeRequest& request);
std::unique_ptr<ProbeExchange> make_h2_exchange(const model::HealthCheck& check,
                                                const ProbeRequest& request);

class HealthProbe final : public io::EventHandler {
 public:
  using Done = io::Callback<ProbeOutcome>;
  static constexpr std::size_t kReceivedBytesMax = 256 * 1024;
  // `definition` has a health check and outlives the probe; `tls` is null without TLS.
  HealthProbe(io::Loop& loop, const model::Upstream& definition,
              std::shared_ptr<const Endpoint> endpoint, io::tls::ClientContext* tls);
  ~HealthProbe() override;

  // `done` runs once, from the loop or before start() returns; it may retire the probe.
  void start(Done done);
  // Ends it without an outcome; then it is to be retired.
  void abandon();

  void on_io(std::uint32_t events) override;

 private:
  enum class Phase : std::uint8_t { kConnect, kHeader, kHandshake, kExchange, kDone };
  void proceed();
  bool after_connect();
  bool send_header();
  bool handshake();
  bool begin_exchange();
  void exchange();
  bool flush();
  void on_timeout();
  void finish(bool passed, std::string detail);

  io::Loop& loop_;
  const model::Upstream& definition_;
  const model::HealthCheck& check_;
  std::shared_ptr<const Endpoint> endpoint_;
  io::tls::ClientContext* tls_;
  io::Stream stream_;
  io::Outbox out_;
  std::unique_ptr<ProbeExchange> exchange_;
  Done done_;
  std::size_t received_bytes_ = 0;
  Phase phase_ = Phase::kConnect;
  io::MemberTimer<&HealthProbe::on_timeout> timer_{this};
};

}  // namespace headgate::proxy
