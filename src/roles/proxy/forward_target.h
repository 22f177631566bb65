#pragma once
// What TCPRoute, TLSRoute and UDPRoute decide for one connection or flow, and its place in the load of the endpoint that was
// chosen. Keeps no configuration alive: a tunnel of hours outlives many of them. Worker thread.
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/listener.h"
#include "roles/proxy/origin_pool.h"
#include "roles/proxy/prepared.h"

namespace headgate::proxy {

// What is kept of a rule.
struct ForwardRoute {
  std::string name;                                  // "TCPRoute shop/redis"
  std::shared_ptr<const model::TrafficPolicy> traffic;
  RuleStats* stats = nullptr;
};
ForwardRoute route_of(const WorkerSnapshot& world, const model::ForwardRule& rule);

// The address lists of the rule's access policies, in their order; the first refusal ends it.
bool admits(const WorkerSnapshot& world, const model::ForwardRule& rule, const wire::ip::IpAddress& client);

// By weight. Null: no backend has weight, or the chosen one cannot be resolved.
std::shared_ptr<OriginPool> pick_pool(const WorkerSnapshot& world, const model::ForwardRule& rule, Prng& prng);

// One connection or flow at one endpoint, as the balancer sees it, for as long as this object holds it.
class EndpointUse {
 public:
  EndpointUse() = default;
  EndpointUse(std::shared_ptr<OriginPool> pool, Slot& slot);
  EndpointUse(EndpointUse&& other) noexcept : pool_(std::move(other.pool_)), slot_(std::exchange(other.slot_, nullptr)) {}
  EndpointUse& operator=(EndpointUse&& other) noexcept;
  ~EndpointUse() { reset(); }
  void reset();

  bool held() const { return slot_ != nullptr; }
  Slot& slot() const { return *slot_; }
  const std::shared_ptr<Endpoint>& endpoint() const { return slot_->endpoint; }
  // Tells passive health checks how it went.
  void report(bool error, Instant now) const;

 private:
  std::shared_ptr<OriginPool> pool_;
  Slot* slot_ = nullptr;
};

// An endpoint for this client, another than those in `tried` while there are others. Null: the upstream has none.
Slot* pick_endpoint(OriginPool& pool, std::string_view client, const std::vector<std::shared_ptr<Endpoint>>& tried,
                    Instant now, Prng& prng);

}  // namespace headgate::proxy
