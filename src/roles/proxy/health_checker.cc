#include "roles/proxy/health_checker.h"

#include <algorithm>
#include <unordered_map>
#include <utility>

#include "decide/health/active_check.h"

namespace headgate::proxy {

namespace {

constexpr Duration kIntervalMin = 1ms;
constexpr std::uint64_t kPostponedMs = 20;  // at most

io::tls::ClientConfig tls_config(const model::Upstream& upstream) {
  io::tls::ClientConfig config;
  config.name = "health check of Upstream " + upstream.name;
  config.server_name = upstream.tls.server_name;
  config.subject_alt_names = upstream.tls.subject_alt_names;
  config.ca_pem = upstream.tls.ca_pem;
  config.chain_pem = upstream.tls.client_certificate_pem;
  config.key_pem = upstream.tls.client_key_pem;
  config.offer_h2 = upstream.tls.offer_h2 ||
                    upstream.health_checks.front().kind == model::HealthCheck::Kind::kGrpc;
  return config;
}

}  // namespace

// One endpoint under check.
struct HealthChecker::Target {
  Target(HealthChecker& o, std::shared_ptr<Endpoint> e) : owner(o), endpoint(std::move(e)) {
    verdict.healthy = endpoint->healthy.load();
    verdict.proven = endpoint->judged.load();  // by the checker of an earlier definition
  }
  ~Target() {
    if (probe) {
      probe->abandon();
      drop_probe();
    }
  }
  void begin();
  void take(ProbeOutcome outcome);
  void turn(bool healthy);
  void drop_probe() {
    --owner.context_.budget.used;
    owner.context_.loop.retire(std::move(probe));
  }

  HealthChecker& owner;
  std::shared_ptr<Endpoint> endpoint;
  decide::health::CheckState verdict;
  std::string last_result;
  std::unique_ptr<HealthProbe> probe;
  io::MemberTimer<&Target::begin> timer{this};
};

void HealthChecker::Target::begin() {
  const Context& context = owner.context_;
  if (context.budget.used >= ProbeBudget::kMax) {
    context.stats.checks_postponed.add();
    const std::uint64_t pause = 1 + context.prng.below(kPostponedMs);
    return context.loop.arm(timer, std::chrono::milliseconds(pause));
  }
  context.stats.checks.add();
  if (!owner.tls_problem_.empty()) return take({false, owner.tls_problem_});
  ++context.budget.used;
  probe = std::make_unique<HealthProbe>(context.loop, owner.state_->definition(), endpoint,
                                        owner.tls_.get());
  probe->start([this](ProbeOutcome outcome) {
    drop_probe();
    take(std::move(outcome));
  });
}

void HealthChecker::Target::take(ProbeOutcome outcome) {
  const Context& context = owner.context_;
  if (!outcome.passed) context.stats.check_failures.add();
  last_result = std::move(outcome.detail);
  const auto checked = decide::health::on_check(verdict, outcome.passed, owner.check());
  verdict = checked.next;
  endpoint->judged.store(true);
  const Duration pause = decide::health::next_check_in(owner.check(), false, context.prng);
  context.loop.arm(timer, std::max(pause, kIntervalMin));
  if (checked.changed) turn(verdict.healthy);
}

void HealthChecker::Target::turn(bool healthy) {
  const Context& context = owner.context_;
  (healthy ? context.stats.turned_healthy : context.stats.turned_unhealthy).add();
  if (healthy) endpoint->recovered_ns.store(context.loop.now().ns);
  endpoint->healthy.store(healthy);
  owner.state_->health_changed();
}

HealthChecker::HealthChecker(Context context, std::shared_ptr<UpstreamState> state)
    : context_(context), state_(std::move(state)) {
  if (!state_->definition().tls.enabled) return;
  auto made = io::tls::ClientContext::make(tls_config(state_->definition()));
  if (made) {
    tls_ = std::move(*made);
  } else {
    tls_problem_ = made.error().message;
  }
}

HealthChecker::~HealthChecker() = default;

void HealthChecker::set_endpoints(const std::vector<std::shared_ptr<Endpoint>>& endpoints) {
  std::unordered_map<const Endpoint*, std::unique_ptr<Target>> before;
  for (auto& target : targets_) before.emplace(target->endpoint.get(), std::move(target));
  targets_.clear();
  for (const auto& endpoint : endpoints) {
    if (const auto known = before.find(endpoint.get()); known != before.end()) {
      targets_.push_back(std::move(known->second));
      continue;
    }
    targets_.push_back(std::make_unique<Target>(*this, endpoint));
    context_.loop.arm(targets_.back()->timer, Duration::zero());
  }
}

std::vector<HealthChecker::CheckReport> HealthChecker::report() const {
  std::vector<CheckReport> all;
  for (const auto& target : targets_) {
    all.push_back({target->endpoint->name, target->verdict.healthy, target->last_result});
  }
  return all;
}

}  // namespace headgate::proxy
