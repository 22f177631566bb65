#pragma once
// What is known about an upstream at run time, shared by all workers of the process and kept over configuration changes
// for as long as the definition (name and fingerprint) stays the same: resolved endpoints, their health, process-wide limits.
// The control thread publishes endpoint sets; workers read them and report outcomes. Health only re-orders, it never empties.
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/time.h"
#include "io/socket.h"
#include "model/upstream.h"
#include "roles/proxy/shared_connections.h"

namespace headgate::proxy {

// One address behind an upstream. Shared over endpoint sets: an address that stays keeps its state.
struct Endpoint {
  std::string name;                 // "10.0.0.1:8080": identity for hashing, logs and status
  io::SocketAddress address;
  std::string server_name;          // the configured DNS name, for SNI and verification; empty for literals
  std::uint32_t weight = 1, priority = 0;
  bool same_locality = true;
  Instant since;                    // start of slow start: when it appeared or recovered

  std::atomic<bool> healthy{true};             // by active checks
  std::atomic<bool> judged{false};             // an active check has had a result
  std::atomic<std::int64_t> ejected_until_ns{0};
  std::atomic<std::uint32_t> consecutive_errors{0}, ejections{0};
  std::atomic<std::int64_t> active{0};         // requests in flight, process-wide
  std::atomic<std::int64_t> recovered_ns{0};   // last change to healthy
};

struct EndpointSet {
  std::uint64_t version = 0;
  std::vector<std::shared_ptr<Endpoint>> endpoints;
};

class UpstreamState {
 public:
  explicit UpstreamState(std::shared_ptr<const model::Upstream> definition)
      : definition_(std::move(definition)),
        connections_(std::make_shared<SharedConnections>(*definition_)) {}

  const model::Upstream& definition() const { return *definition_; }

  // Changes with every new endpoint set and every change of health: a worker that sees another number rebuilds its view.
  std::uint64_t version() const { return version_.load(std::memory_order_acquire); }
  std::shared_ptr<const EndpointSet> endpoints() const;
  void publish(std::vector<std::shared_ptr<Endpoint>> endpoints);
  void health_changed() { version_.fetch_add(1, std::memory_order_acq_rel); }

  // Outcome of an attempt, for passive ejection. True when the endpoint was ejected by this report.
  bool report(Endpoint& endpoint, bool error, Instant now);

  // Process-wide counts against the definition's limits. `requests` are attempts; `exchanges` counts what clients asked for,
  // each once until its end, and `retries` those of them that were tried again or hedged.
  std::atomic<std::int64_t> requests{0}, exchanges{0}, retries{0};
  // The limit of connections, and what one worker has for another.
  SharedConnections& connections() const { return *connections_; }

 private:
  std::shared_ptr<const model::Upstream> definition_;
  std::atomic<std::uint64_t> version_{0};
  mutable std::mutex mutex_;
  std::shared_ptr<const EndpointSet> endpoints_ = std::make_shared<EndpointSet>();
  std::shared_ptr<SharedConnections> connections_;  // grants that are under way hold it, too
};

}  // namespace headgate::proxy
