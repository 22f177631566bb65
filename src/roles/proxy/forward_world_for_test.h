#pragma once
// For tests of forwarding: one worker's surroundings on the test's own thread, a port with one
// rule, and endpoints that the test plays itself over loopback.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/socket.h"
#include "io/stream.h"
#include "io/test_directory.h"
#include "roles/proxy/access_log.h"
#include "roles/proxy/cache/worker_cache.h"
#include "roles/proxy/client_addresses.h"
#include "roles/proxy/exchange.h"
#include "roles/proxy/mirror.h"
#include "roles/proxy/origin_pool.h"
#include "roles/proxy/prepared.h"
#include "roles/proxy/session.h"
#include "roles/proxy/worker_context.h"

namespace headgate::proxy {

class ForwardWorld {
 public:
  explicit ForwardWorld(model::PortProtocol protocol) {
    snapshot->ports.resize(1);
    model::Port& port = snapshot->ports[0];
    port.protocol = protocol;
    port.forwards.resize(1);
    port.forwards[0].route = "TCPRoute test/route";
    port.forwards[0].backends.push_back({0, 1, {}});
    port.forwards[0].weight_sum = 1;
    port.forwards[0].traffic = traffic;
    upstream->name = "test/origin";
    upstream->connect_timeout = 2s;
  }
  ~ForwardWorld() {
    sessions.kill_all();
    view.world.reset();
    loop.turn(Duration::zero());
  }

  model::ForwardRule& rule() { return snapshot->ports[0].forwards[0]; }
  // After the last change to the definitions.
  void publish(const std::vector<wire::ip::Endpoint>& addresses) {
    auto prepared = std::make_shared<Prepared>();
    prepared->snapshot = snapshot;
    state = std::make_shared<UpstreamState>(upstream);
    std::vector<std::shared_ptr<Endpoint>> endpoints;
    for (const wire::ip::Endpoint& address : addresses) {
      endpoints.push_back(std::make_shared<Endpoint>());
      endpoints.back()->address.endpoint = address;
      endpoints.back()->name = to_string(address);
    }
    state->publish(std::move(endpoints));
    prepared->upstreams.push_back(state);
    auto world = std::make_shared<WorkerSnapshot>();
    world->prepared = prepared;
    world->pools.push_back(std::make_shared<OriginPool>(worker, state, nullptr));
    world->rules.push_back(&stats.rule("TCPRoute test/route"));
    view.world = world;
    view.port = &snapshot->ports[0];
  }
  RuleStats& rule_stats() { return stats.rule("TCPRoute test/route"); }
  UpstreamStats& upstream_stats() { return stats.upstream("test/origin"); }

  // Turns the loop until `done`, or fails after five seconds.
  template <typename Done>
  [[nodiscard]] bool run_until(Done done) {
    const Instant end = loop.now() + 5s;
    while (!done()) {
      if (loop.now() > end) return false;
      loop.turn(5ms);
    }
    return true;
  }

  io::Loop loop;
  WorkerStats stats;
  Prng prng{1};
  std::vector<char> scratch = std::vector<char>(128 * 1024);
  std::unique_ptr<LogWriter> log = LogWriter::open("/dev/null").value();
  ClientAddresses client_addresses{1};
  // The members below need each other: references are taken before the objects exist and used
  // after.
  io::TestDirectory state_directory;
  std::unique_ptr<ObjectCache> object_cache =
      ObjectCache::open({.state = state_directory.path}).value();
  WorkerCache cache{*object_cache, loop};
  WorkerContext worker{loop,      stats,   prng,     scratch,          access_log,
                       exchanges, mirrors, encoders, client_addresses, cache,
                       1,         false};
  AccessLog access_log{worker, *log};
  ExchangeStore exchanges{worker};
  MirrorStore mirrors{worker};
  EncoderStore encoders;
  Sessions sessions{worker};
  std::shared_ptr<model::Snapshot> snapshot = std::make_shared<model::Snapshot>();
  std::shared_ptr<model::TrafficPolicy> traffic = std::make_shared<model::TrafficPolicy>();
  std::shared_ptr<model::Upstream> upstream = std::make_shared<model::Upstream>();
  std::shared_ptr<UpstreamState> state;
  PortView view;
};

}  // namespace headgate::proxy
