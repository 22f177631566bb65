#pragma once
// A model::Snapshot together with what is derived from it once, off the workers: TLS contexts and the run-time state of
// upstreams. Immutable; published to all workers. WorkerSnapshot adds what one worker needs beside it.
#include <cstdint>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "io/tls/client_context.h"
#include "io/tls/server_context.h"
#include "model/snapshot.h"
#include "roles/proxy/prepared_access.h"
#include "roles/proxy/rate_limiter.h"
#include "roles/proxy/stats.h"
#include "roles/proxy/upstream_state.h"

namespace headgate::proxy {

class OriginPool;

// Identity of a listening port over configuration changes.
std::string port_key(const model::Port& port);

struct Prepared {
  std::shared_ptr<const model::Snapshot> snapshot;
  std::vector<std::shared_ptr<io::tls::ServerContext>> port_tls;        // by port; null without TLS
  std::vector<std::shared_ptr<UpstreamState>> upstreams;                // by upstream index
  std::vector<std::shared_ptr<io::tls::ClientContext>> upstream_tls;    // by upstream index; null without TLS
  // By upstream index: that of the upstream of this name in the Prepared before, kNoneBefore when it is new.
  static constexpr std::size_t kNoneBefore = SIZE_MAX;
  std::vector<std::size_t> before;
  std::vector<std::pair<std::uint32_t, std::string>> rule_names;        // rule id, "HTTPRoute shop/cart/0"
  RateLimiter* limiter = nullptr;                                       // of the process
  // By the limit that a rule of the snapshot points at.
  std::unordered_map<const model::RateLimit*, std::shared_ptr<decide::limit::RateTable>> rate_tables;
  PreparedAccess access;                                                // by the policy that a rule points at
};

struct WorkerSnapshot {
  std::shared_ptr<const Prepared> prepared;
  std::vector<std::shared_ptr<OriginPool>> pools;  // by upstream index
  std::vector<RuleStats*> rules;                   // by rule id
};

// Where a worker's connections find the current definition of their port. Lives as long as the worker.
struct PortView {
  std::shared_ptr<const WorkerSnapshot> world;     // null: the port left the configuration
  const model::Port* port = nullptr;
  io::tls::ServerContext* tls = nullptr;
};

}  // namespace headgate::proxy
