#include "roles/proxy/upstream_state.h"

#include "decide/health/outlier.h"

namespace headgate::proxy {

std::shared_ptr<const EndpointSet> UpstreamState::endpoints() const {
  const std::lock_guard lock(mutex_);
  return endpoints_;
}

void UpstreamState::publish(std::vector<std::shared_ptr<Endpoint>> endpoints) {
  auto set = std::make_shared<EndpointSet>();
  set->endpoints = std::move(endpoints);
  {
    const std::lock_guard lock(mutex_);
    set->version = endpoints_->version + 1;
    endpoints_ = std::move(set);
  }
  health_changed();
}

// The verdict is decide/health/outlier. A success after successes, by far the most common report, takes no lock.
bool UpstreamState::report(Endpoint& endpoint, bool error, Instant now) {
  if (!error && endpoint.consecutive_errors.load(std::memory_order_relaxed) == 0) return false;
  const std::lock_guard lock(mutex_);
  decide::health::SetHealth set;
  for (const auto& e : endpoints_->endpoints) {
    ++set.endpoints;
    if (e->ejected_until_ns.load() > now.ns) ++set.ejected;
  }
  decide::health::OutlierState state;
  state.errors_in_a_row = endpoint.consecutive_errors.load();
  state.ejections = endpoint.ejections.load();
  state.ejected = endpoint.ejected_until_ns.load() > now.ns;
  state.changed_at = {endpoint.ejected_until_ns.load()};
  const auto judged = decide::health::on_result(state, error, set, definition_->outlier, now);
  endpoint.consecutive_errors.store(judged.next.errors_in_a_row);
  if (!judged.ejected_now) return false;
  endpoint.ejections.store(judged.next.ejections);
  endpoint.ejected_until_ns.store(judged.next.changed_at.ns);
  health_changed();
  return true;
}

}  // namespace headgate::proxy
