#include "roles/proxy/forward_target.h"

#include <algorithm>

#include "decide/route/match.h"

namespace headgate::proxy {

ForwardRoute route_of(const WorkerSnapshot& world, const model::ForwardRule& rule) {
  static const auto defaults = std::make_shared<const model::TrafficPolicy>();
  ForwardRoute route;
  route.name = rule.route;
  route.traffic = rule.traffic ? rule.traffic : defaults;
  if (rule.id < world.rules.size()) route.stats = world.rules[rule.id];
  return route;
}

bool admits(const WorkerSnapshot& world, const model::ForwardRule& rule, const wire::ip::IpAddress& client) {
  return std::all_of(rule.access.begin(), rule.access.end(),
                     [&](const auto& policy) { return world.prepared->access.of(*policy).allows(client); });
}

std::shared_ptr<OriginPool> pick_pool(const WorkerSnapshot& world, const model::ForwardRule& rule, Prng& prng) {
  const model::Backend* backend = decide::route::pick_backend(rule, prng.next());
  if (!backend || backend->upstream >= world.pools.size()) return nullptr;
  return world.pools[backend->upstream];
}

EndpointUse::EndpointUse(std::shared_ptr<OriginPool> pool, Slot& slot) : pool_(std::move(pool)), slot_(&slot) {
  ++slot.active;
  slot.endpoint->active.fetch_add(1, std::memory_order_relaxed);
  pool_->stats().active_requests.add(1);
  pool_->balancer().started(slot);
}

EndpointUse& EndpointUse::operator=(EndpointUse&& other) noexcept {
  if (this == &other) return *this;
  reset();
  pool_ = std::move(other.pool_);
  slot_ = std::exchange(other.slot_, nullptr);
  return *this;
}

void EndpointUse::reset() {
  if (!slot_) return;
  --slot_->active;
  slot_->endpoint->active.fetch_sub(1, std::memory_order_relaxed);
  pool_->stats().active_requests.add(-1);
  pool_->balancer().ended(*slot_);
  slot_ = nullptr;
  pool_.reset();
}

void EndpointUse::report(bool error, Instant now) const {
  if (pool_->state().report(*slot_->endpoint, error, now)) pool_->stats().ejections.add();
}

Slot* pick_endpoint(OriginPool& pool, std::string_view client, const std::vector<std::shared_ptr<Endpoint>>& tried,
                    Instant now, Prng& prng) {
  pool.refresh();
  std::vector<Slot*> avoided;
  if (!tried.empty()) {
    for (const auto& slot : pool.slots())
      if (std::find(tried.begin(), tried.end(), slot->endpoint) != tried.end()) avoided.push_back(slot.get());
  }
  return pool.balancer().pick(client, avoided, now, prng);
}

}  // namespace headgate::proxy
