#include "roles/proxy/upstream_state.h"

#include <algorithm>

#include "decide/health/outlier.h"

namespace headgate::proxy {

namespace {
constexpr std::size_t kLentMax = 256;
}

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

void UpstreamState::lend(std::shared_ptr<const Endpoint> endpoint, io::Stream stream, std::uint64_t requests_served,
                         Instant now) {
  const std::lock_guard lock(mutex_);
  if (!lends_ || lent_.size() >= kLentMax) {
    connections.fetch_sub(1, std::memory_order_relaxed);
    return;
  }
  lent_.push_back({std::move(endpoint), {std::move(stream), requests_served}, now});
  lent_count_.store(lent_.size(), std::memory_order_relaxed);
}

std::optional<UpstreamState::Lent> UpstreamState::borrow(const Endpoint& endpoint, Instant now) {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = lent_.size(); i-- > 0;) {
    if (lent_[i].endpoint.get() != &endpoint || now - lent_[i].since >= definition_->idle_timeout) continue;
    Lent found = std::move(lent_[i].connection);
    lent_.erase(lent_.begin() + static_cast<std::ptrdiff_t>(i));
    lent_count_.store(lent_.size(), std::memory_order_relaxed);
    return found;
  }
  return std::nullopt;
}

void UpstreamState::expire_lent(Instant now) {
  const std::lock_guard lock(mutex_);
  const auto gone = std::erase_if(lent_, [&](const Shelf& s) { return now - s.since >= definition_->idle_timeout; });
  connections.fetch_sub(static_cast<std::int64_t>(gone), std::memory_order_relaxed);
  lent_count_.store(lent_.size(), std::memory_order_relaxed);
}

void UpstreamState::drop_lent() {
  const std::lock_guard lock(mutex_);
  lends_ = false;
  connections.fetch_sub(static_cast<std::int64_t>(lent_.size()), std::memory_order_relaxed);
  lent_.clear();
  lent_count_.store(0, std::memory_order_relaxed);
}

}  // namespace headgate::proxy
