#pragma once
// Active health checks of one upstream's endpoints: each is asked at its interval, and turns
// unhealthy or healthy after as many equal results in a row as the definition says; the first
// result of all decides at once. Health is written into Endpoint, and workers are told. What an
// unhealthy endpoint means is the balancer's business: nothing is removed here. Control thread.
// Limit: ProbeBudget over all upstreams; a check beyond it waits a little, none is left out.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "io/loop.h"
#include "io/tls/client_context.h"
#include "model/upstream.h"
#include "roles/proxy/health_probe.h"
#include "roles/proxy/keeper_stats.h"
#include "roles/proxy/upstream_state.h"

namespace headgate::proxy {

// Connections that checks may hold at a time, so that ten thousand endpoints do not use up
// descriptors at the start.
struct ProbeBudget {
  static constexpr std::size_t kMax = 512;
  std::size_t used = 0;
};

class HealthChecker {
 public:
  struct Context {  // outlives all checkers
    io::Loop& loop;
    Prng& prng;
    KeeperStats& stats;
    ProbeBudget& budget;
  };
  // `state`'s definition has a health check.
  HealthChecker(Context context, std::shared_ptr<UpstreamState> state);
  ~HealthChecker();
  HealthChecker(const HealthChecker&) = delete;
  HealthChecker& operator=(const HealthChecker&) = delete;

  // The endpoints to check from now on. Those that stay keep their schedule; new ones are checked
  // at once.
  void set_endpoints(const std::vector<std::shared_ptr<Endpoint>>& endpoints);

  struct CheckReport {
    std::string endpoint;
    bool healthy = true;
    std::string last_result;  // "status 503"; empty before the first
  };
  std::vector<CheckReport> report() const;

 private:
  struct Target;
  const model::HealthCheck& check() const { return state_->definition().health_checks.front(); }

  Context context_;
  std::shared_ptr<UpstreamState> state_;
  std::shared_ptr<io::tls::ClientContext> tls_;
  std::string tls_problem_;  // why there is no context: every check fails with it
  std::vector<std::unique_ptr<Target>> targets_;
};

}  // namespace headgate::proxy
