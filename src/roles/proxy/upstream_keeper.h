#pragma once
// Keeps the run-time state of all upstreams over configuration changes: which addresses they have,
// which of those are healthy, when an ejected one may come back. Control thread; needs its loop to
// turn. What it publishes workers read. Every address of a name has the weight of its
// specification. An address that comes up twice in one upstream counts once: the first
// specification that leads to it has it.
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "base/hash.h"
#include "base/prng.h"
#include "io/loop.h"
#include "model/upstream.h"
#include "roles/proxy/endpoint_resolver.h"
#include "roles/proxy/health_checker.h"
#include "roles/proxy/keeper_stats.h"
#include "roles/proxy/upstream_state.h"

namespace headgate::proxy {

class UpstreamKeeper {
 public:
  struct Options {
    std::vector<std::string> dns_servers;  // "127.0.0.1:53"; empty: the system's
    std::string locality;                  // of this edge; "": it prefers none
  };
  UpstreamKeeper(io::Loop& loop, Options options);
  ~UpstreamKeeper();
  UpstreamKeeper(const UpstreamKeeper&) = delete;
  UpstreamKeeper& operator=(const UpstreamKeeper&) = delete;

  // The state of this definition: the existing one when name and fingerprint are unchanged, else a
  // new one that starts to resolve and check now. Literal addresses are published when it returns,
  // names when they are resolved. An address that stays keeps what is known about it (health,
  // ejection) when other fields changed.
  std::shared_ptr<UpstreamState> adopt(std::shared_ptr<const model::Upstream> definition);
  // Forgets all that are not in `current`: they are not resolved or checked any more. To be called
  // after a snapshot was published, so that a change that failed half-way has cost nothing.
  void retain(const std::vector<std::shared_ptr<UpstreamState>>& current);

  struct Report {
    std::vector<EndpointResolver::NameReport> names;
    std::vector<HealthChecker::CheckReport> checks;
  };
  // For the status of an upstream; empty for a state that was forgotten.
  Report report(const UpstreamState& state) const;
  const KeeperStats& stats() const { return stats_; }

  // True once every name has had its first outcome, or kSettleMax has passed since it was adopted.
  bool settled() const;
  static constexpr Duration kSettleMax = 2s;

 private:
  struct Kept;
  struct Known;
  using Versions = std::vector<std::unique_ptr<Kept>>;  // of one name: as a rule one, two while a
                                                        // change is under way
  void publish(Kept& kept);
  std::shared_ptr<Endpoint> find_or_make(const ResolvedAddress& address, const Known& own,
                                         const std::vector<Known>& others) const;
  void tick();
  void release_ejected(UpstreamState& state, Instant& next);

  io::Loop& loop_;
  Options options_;
  Prng prng_;
  KeeperStats stats_;
  ProbeBudget budget_;
  NameService names_;
  std::unordered_map<std::string, Versions, StringHash, std::equal_to<>> kept_;
  Instant last_tick_;
  io::MemberTimer<&UpstreamKeeper::tick> tick_{this};
};

}  // namespace headgate::proxy
