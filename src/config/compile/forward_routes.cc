#include <fmt/format.h>

#include "config/compile/routes.h"
#include "config/value.h"

namespace headgate::config {
namespace {

model::ForwardRule draft_of(const World& world, const Object& route, std::vector<Fault>& faults) {
  const Report report = route.report_to(world.context.out.problems);
  const Place root(report), spec(root, "spec"), rules(spec, "rules"), rule(rules, std::size_t{0});
  model::ForwardRule out;
  out.route = route.label;
  out.route_namespace = route.name_space;
  out.backends = backends_of(world, route, items(items(route.spec(), "rules")[0], "backendRefs"),
                             Place(rule, "backendRefs"), faults);
  for (const model::Backend& backend : out.backends) out.weight_sum += backend.weight;
  return out;
}

// On a port without names only one route can be served: the oldest.
bool is_taken(const World& world, const Object& route, const BoundListener& listener) {
  const bool named = listener.protocol == model::PortProtocol::kTlsPassthrough ||
                     listener.protocol == model::PortProtocol::kTlsTerminate;
  if (named || listener.forwards.empty()) return false;
  const Report report = route.report_to(world.context.out.problems);
  const Place root(report);
  world.context.fault(Place(root, "spec"),
                      fmt::format("{} already has {}, and can tell no connections apart",
                                  listener.label(), listener.forwards[0].route));
  return true;
}

void compile_route(World& world, const Object& route) {
  std::vector<Fault> faults;
  model::ForwardRule rule = draft_of(world, route, faults);
  const Chain own = world.policies.at_target(route, {});
  std::map<std::string, std::uint32_t> ids;
  for (const Attachment& attachment : attach_route(world, route, conditions_for(faults))) {
    BoundListener& listener = *attachment.listener;
    if (is_taken(world, route, listener)) continue;
    Chain chain = listener.chain;
    chain.append(own);
    const auto [id, fresh] = ids.emplace(listener.chain_identity, world.rules);
    if (fresh) ++world.rules;
    rule.id = id->second;
    rule.traffic = world.policies.traffic(chain, Json::object());
    rule.access = chain.access;
    for (const std::string& hostname : attachment.hostnames) {
      rule.hostnames.clear();
      if (!hostname.empty()) rule.hostnames.push_back(hostname);
      listener.forwards.push_back(rule);
    }
  }
}

}  // namespace

void compile_forward_routes(World& world) {
  for (const std::string_view kind : {"TLSRoute", "TCPRoute", "UDPRoute"})
    for (const Object* route : world.context.of(kind)) compile_route(world, *route);
}

}  // namespace headgate::config
