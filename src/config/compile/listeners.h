#pragma once
// Gateways and ListenerSets -> bound listeners, which routes attach to, and in the end the ports of
// the Snapshot.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/compile/context.h"
#include "config/compile/policies.h"
#include "model/listener.h"

namespace headgate::config {

struct BoundListener {
  const Object* owner = nullptr;  // the Gateway or ListenerSet that it is written in
  const Object* gateway = nullptr;
  const Json* value = nullptr;
  std::string name, hostname;
  std::uint16_t port = 0;
  model::PortProtocol protocol = model::PortProtocol::kHttp;
  std::vector<std::string> kinds;  // of routes that may attach
  model::ListenerTls tls;
  Chain chain;  // policies of the Gateway, the owner and the listener
  std::string chain_identity;
  std::size_t status = 0;  // index into Compiled::statuses
  bool usable = false;     // false: in conflict, or its protocol or certificates are wrong
  std::vector<model::RouteEntry> entries;
  std::vector<model::ForwardRule> forwards;

  std::string label() const;  // "Gateway default/edge/https"
  bool speaks_http() const {
    return protocol == model::PortProtocol::kHttp || protocol == model::PortProtocol::kHttps;
  }
};

class Listeners {
 public:
  Listeners(const Context& context, const Policies& policies);

  // Those written in "Gateway default/edge"; empty when there are none.
  std::vector<BoundListener*> of(std::string_view owner_label);
  const std::vector<std::unique_ptr<BoundListener>>& all() const { return all_; }
  bool lets_in(const BoundListener& listener, std::string_view route_namespace) const;
  // Builds the route tables and takes what routes left in the listeners.
  std::vector<model::Port> finish(const Policies& policies);

 private:
  void bind_gateway(const Object& gateway, const Policies& policies);
  void bind(const Object& owner, const Object& gateway, const Policies& policies);
  bool admits_set(const Object& gateway, const Object& set) const;
  void bind_set(const Object& set, const Policies& policies);
  void find_conflicts();
  std::vector<std::string> addresses_of(const Object& gateway) const;
  void fault(BoundListener& listener, std::string_view condition, std::string reason,
             std::string message, std::string_view field, std::string_view suggestion = {});
  void read_tls(BoundListener& listener);
  void read_kinds(BoundListener& listener);
  void report_shared_addresses(const std::vector<model::Port>& ports) const;

  const Context& context_;
  std::vector<std::unique_ptr<BoundListener>> all_;
  ByName<std::vector<BoundListener*>> by_owner_;
};

// Lower-case names; "" is every host. The narrower of the two, or nothing when no host is in both.
std::optional<std::string> intersect_hostnames(std::string_view listener, std::string_view route);
// Most specific first: exact names, then wildcards by length, then every host.
bool more_specific(std::string_view a, std::string_view b);

}  // namespace headgate::config
