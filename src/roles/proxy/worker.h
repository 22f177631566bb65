#pragma once
// One thread of the data plane: its loop, its client connections, its pools. Adopts snapshots between events; everything in
// it is touched by its own thread alone, except what post() carries in and the counters that anybody may read.
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <unordered_map>
#include <vector>

#include "roles/proxy/access_log.h"
#include "roles/proxy/cache/worker_cache.h"
#include "roles/proxy/exchange.h"
#include "roles/proxy/mirror.h"
#include "roles/proxy/prepared.h"
#include "roles/proxy/session.h"
#include "roles/proxy/stats.h"
#include "roles/proxy/worker_context.h"

namespace headgate::proxy {

class Acceptor;
class UdpPort;


class Worker {
 public:
  Worker(std::uint32_t index, std::uint32_t workers, std::uint64_t seed, LogWriter& log,
         ClientAddresses& addresses, ObjectCache& cache);
  ~Worker();

  // Control thread. `peers`: all workers, for hand-over.
  void start(const std::vector<Worker*>& peers, int cpu);
  void stop();  // joins
  // Any thread.
  template <typename F>
  void post(F work) {
    [[maybe_unused]] const bool taken = loop_.mailbox().post(std::move(work));
  }
  std::uint64_t adopted_revision() const { return adopted_revision_.load(std::memory_order_acquire); }
  const WorkerStats& stats() const { return stats_; }
  RuleStats& rule_stats(const std::string& name) { return stats_.rule(name); }
  std::uint32_t index() const { return index_; }
  // Of clients, also those that another worker has handed over and this one has not seen yet: a burst would all go to it.
  std::int64_t open_connections() const {
    const std::int64_t arriving = arriving_.load(std::memory_order_acquire);
    return arriving + stats_.connections.value();
  }

  // Worker thread, by post(). `rules`: of this worker, by rule id. Takes as long as there are upstreams and ports, however
  // many routes they have.
  void adopt(std::shared_ptr<const Prepared> prepared, std::vector<RuleStats*> rules);
  void listen(const std::string& key, int fd);
  // `fd`: one of the `shares` sockets of a UDP port, this worker's from now on. It may get several.
  void receive(const std::string& key, io::Fd fd, std::size_t shares);
  void unlisten(const std::string& key);
  void take_over(const std::string& key, int fd, const wire::ip::Endpoint& peer);
  // `last`: no other process serves these sockets, so whoever waits in their queues is accepted first. May be called again
  // with another pace.
  void drain(DrainPace pace, bool last);
  void kill_all();

 private:
  friend class Acceptor;
  void run(int cpu);
  PortView& view(const std::string& key);
  std::shared_ptr<OriginPool> pool_of(const Prepared& prepared, std::size_t upstream);
  template <typename Ports>
  void leave_port(Ports& ports, const std::string& key);
  // True when the connection went to another worker.
  bool hand_over(const std::string& key, io::Fd& fd, const wire::ip::Endpoint& peer);

  const std::uint32_t index_;
  io::Loop loop_;
  WorkerStats stats_;
  std::atomic<std::int64_t> arriving_{0};
  Prng prng_;
  std::vector<char> scratch_;
  WorkerCache cache_;
  WorkerContext context_;
  AccessLog access_log_;
  ExchangeStore exchanges_;
  MirrorStore mirrors_;
  EncoderStore encoders_;
  Sessions sessions_;
  std::vector<Worker*> peers_;
  std::shared_ptr<const WorkerSnapshot> world_;
  std::unordered_map<std::string, std::unique_ptr<PortView>> views_;
  std::unordered_map<std::string, std::unique_ptr<Acceptor>> acceptors_;
  std::unordered_multimap<std::string, std::unique_ptr<UdpPort>> udp_ports_;
  std::atomic<std::uint64_t> adopted_revision_{0};
  std::thread thread_;
};

}  // namespace headgate::proxy
