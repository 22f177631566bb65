#pragma once
// The proxy role: workers, their listening sockets, and the way of a new configuration into them. Owned by the data-plane
// process; called from its control thread, which runs `loop`.
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "base/metrics_text.h"
#include "base/result.h"
#include "io/callback.h"
#include "io/loop.h"
#include "io/tls/client_context.h"
#include "io/tls/server_context.h"
#include "io/tls/ticket_keys.h"
#include "model/snapshot.h"
#include "roles/proxy/cache/object_cache.h"
#include "roles/proxy/stats.h"

namespace headgate::proxy {

class ClientAddresses;
class Worker;
class UpstreamKeeper;
class JwksKeeper;
class LogWriter;
class RateLimiter;
struct Prepared;

// Where listening sockets come from: the supervisor, which keeps them over restarts.
class ListenSockets {
 public:
  virtual ~ListenSockets() = default;
  // `address` "" is every address. The descriptor is the caller's; asking again gives the same socket.
  virtual Result<io::Fd> open(const std::string& address, std::uint16_t port) = 0;
  // All sockets of a UDP port: `at_least` so many, or more that it had before. Each gets a share of
  // the clients, so the caller reads every one or none.
  virtual Result<std::vector<io::Fd>> open_datagram(const std::string& address, std::uint16_t port,
                                                    std::size_t at_least) = 0;
  // No port of the configuration uses it any more.
  virtual void release(const std::string& address, std::uint16_t port, bool datagram) = 0;
};

struct ProxyOptions {
  std::uint32_t workers = 1;
  std::string access_log = "-";     // path, or "-" for standard output
  std::string locality;             // of this edge, for locality-aware upstreams
  bool pin_workers = false;         // one CPU each, of those the process may use
  Duration drain_max = 30s;         // open exchanges may take this long after drain(); tunnels too
  std::string ticket_secret;        // sessions of TLS clients resume in every process that has it; empty: in this one
  CacheOptions cache;
  std::vector<std::string> dns_servers;  // "127.0.0.1:53"; empty: the system's
};

class Proxy {
 public:
  Proxy(io::Loop& loop, ListenSockets& sockets, ProxyOptions options);
  ~Proxy();

  // Opens the access log and starts the workers.
  Status start();
  // Prepares `snapshot` (TLS contexts, sockets, upstream state) on the calling thread, then publishes it to every worker.
  // On an error nothing has changed: the last good configuration goes on. No connection is dropped by a change.
  Status apply(std::shared_ptr<const model::Snapshot> snapshot);
  // From here on datagrams are read, and each worker has a socket of every UDP port. Before that, a
  // predecessor answers on the same sockets, or what arrives waits in them. An error: a port has
  // fewer sockets than there are workers, and all of those are read.
  Status receive_datagrams();
  // After rotation.
  void reopen_log();
  std::uint64_t revision() const;
  // True once every worker serves the latest applied snapshot and every name and key set that it needs has had a
  // first outcome, or its time for one (2 s) is over; the disk of the cache has one second.
  bool settled() const;

  enum class DrainFor : std::uint8_t {
    kEnd,        // who waits to be accepted is accepted first; idle connections get about a second
    kSuccessor,  // another process serves the same sockets; idle connections get most of the time, since a close may cross a
                 // request that is on its way
  };
  // Stops accepting, tells clients, waits for what is open, at most options.drain_max. `refusing` is called once when no
  // worker accepts any more, then `done` once. A drain for a successor can become one for the end by a second call.
  void drain(DrainFor what, io::Callback<> refusing, io::Callback<> done);
  bool draining() const { return draining_; }

  // For the admin thread (the control thread): all counters, and the state of listeners, routes, upstreams, endpoints.
  std::vector<const WorkerStats*> stats() const;
  std::string status_json() const;
  void collect_metrics(MetricsText& out) const;
  // After start().
  ObjectCache& cache() { return *cache_; }

 private:
  struct OpenPort;
  Result<std::shared_ptr<Prepared>> prepare(std::shared_ptr<const model::Snapshot> snapshot);
  Result<std::shared_ptr<io::tls::ServerContext>> make_server_tls(const Prepared& prepared, std::size_t index) const;
  std::vector<std::size_t> find_before(const model::Snapshot& snapshot) const;
  Result<std::shared_ptr<io::tls::ClientContext>> make_client_tls(const model::Upstream& upstream, std::size_t before) const;
  Status index_rules(const model::Port& port, Prepared& prepared) const;
  Status open_ports(const Prepared& prepared);
  Status open_port(OpenPort& port);
  void announce_ports();
  void close_removed_ports(const Prepared& prepared);
  void free_replaced();
  void rotate_ticket_keys();
  void worker_stopped_accepting();
  void check_drained();

  io::Loop& loop_;
  ListenSockets& sockets_;
  ProxyOptions options_;
  std::shared_ptr<io::tls::TicketKeys> ticket_keys_;
  std::unique_ptr<RateLimiter> limiter_;
  std::unique_ptr<ClientAddresses> client_addresses_;
  std::unique_ptr<ObjectCache> cache_;
  std::unique_ptr<UpstreamKeeper> keeper_;
  std::unique_ptr<JwksKeeper> jwks_;
  std::unique_ptr<LogWriter> log_;
  std::shared_ptr<const Prepared> current_;
  // Freed here, once no worker needs them: that takes long for a big one.
  std::vector<std::shared_ptr<const Prepared>> replaced_;
  std::vector<std::unique_ptr<OpenPort>> ports_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::thread cache_closer_;  // in a drain
  io::Callback<> refusing_, drained_;
  std::size_t accepting_ = 0;  // workers, in a drain
  Instant drain_deadline_;
  bool draining_ = false;
  bool receiving_ = false;  // datagrams
  io::MemberTimer<&Proxy::rotate_ticket_keys> ticket_timer_{this};
  io::MemberTimer<&Proxy::free_replaced> replaced_timer_{this};
  io::MemberTimer<&Proxy::check_drained> drain_timer_{this};
};

}  // namespace headgate::proxy
