#include <fmt/format.h>

#include "config/compile/cache.h"
#include "config/compile/filters.h"
#include "config/compile/routes.h"
#include "config/value.h"

namespace headgate::config {
namespace {

// A rule before it meets a listener, whose policies decide the rest.
struct Draft {
  model::Rule rule;
  std::vector<model::Match> matches;
  Chain chain;     // policies of the route and of the rule
  Json overrides;  // fields of a TrafficPolicy that the rule sets itself
};

Json overrides_of(const Json& rule) {
  Json out = Json::object();
  const Json& timeouts = at(rule, "timeouts");
  for (const std::string_view field : {"request", "backendRequest"})
    if (const Json* value = find(timeouts, field)) out["timeouts"][std::string(field)] = *value;
  const Json& retry = at(rule, "retry");
  if (const Json* value = find(retry, "attempts")) out["retry"]["attempts"] = *value;
  if (const Json* value = find(retry, "codes")) out["retry"]["onStatuses"] = *value;
  if (const Json* value = find(retry, "backoff")) out["retry"]["backoff"] = *value;
  return out;
}

std::optional<model::CookieAffinity> affinity_of(const Object& route, const Json& rule) {
  const Json* session = find(rule, "sessionPersistence");
  if (!session) return std::nullopt;
  model::CookieAffinity out;
  out.cookie = text_of(*session, "sessionName");
  if (out.cookie.empty()) out.cookie = fmt::format("hg-{:08x}", hash64(route.label) & 0xffffffff);
  if (text_of(at(*session, "cookieConfig"), "lifetimeType") == "Permanent")
    out.lifetime = duration_of(*session, "absoluteTimeout");
  return out;
}

void read_matches(const World& world, const Json& value, bool grpc, const Place& place,
                  Draft& out) {
  const Json& list = items(value, "matches");
  const Place matches(place, "matches");
  if (list.empty()) out.matches.emplace_back();
  for (std::size_t i = 0; i < list.size(); ++i) {
    const Place here(matches, i);
    auto match = grpc ? grpc_match_of(world.context, list[i], here)
                      : http_match_of(world.context, list[i], here);
    if (match) out.matches.push_back(std::move(*match));
  }
}

Draft draft_of(const World& world, const Object& route, std::size_t index, const Place& place,
               std::vector<Fault>& faults) {
  const Json& value = items(route.spec(), "rules")[index];
  const bool grpc = route.kind->name == "GRPCRoute";
  Draft out;
  const std::string_view name = text_of(value, "name");
  out.rule.route = route.label;
  out.rule.route_namespace = route.name_space;
  out.rule.name = name.empty() ? fmt::format("{}", index) : std::string(name);
  out.rule.grpc = grpc;
  read_matches(world, value, grpc, place, out);
  out.rule.filters = filters_of(world.context, world.upstreams, route, items(value, "filters"),
                                Place(place, "filters"), faults);
  const Json& references = items(value, "backendRefs");
  const Place backends(place, "backendRefs");
  out.rule.backends = backends_of(world, route, references, backends, faults);
  std::size_t at_backend = 0;
  for (std::size_t i = 0; i < references.size(); ++i) {
    if (integer_of(references[i], "weight", 1) == 0) continue;
    const Place here(backends, i);
    out.rule.backends[at_backend++].filters =
        filters_of(world.context, world.upstreams, route, items(references[i], "filters"),
                   Place(here, "filters"), faults);
  }
  for (const model::Backend& backend : out.rule.backends) out.rule.weight_sum += backend.weight;
  out.rule.affinity = affinity_of(route, value);
  out.rule.cache_scope = cache_scope_of(route, value);
  out.chain = world.policies.at_target(route, {});
  if (!name.empty()) out.chain.append(world.policies.at_target(route, name));
  out.overrides = overrides_of(value);
  return out;
}

// One rule for each distinct set of policies: listeners without any of their own share it, and its
// counters.
std::shared_ptr<const model::Rule> rule_for(World& world, const Draft& draft,
                                            const Chain& listener_chain) {
  auto rule = std::make_shared<model::Rule>(draft.rule);
  Chain chain = listener_chain;
  chain.append(draft.chain);
  rule->id = world.rules++;
  rule->traffic = world.policies.traffic(chain, draft.overrides);
  rule->access = std::move(chain.access);
  rule->rate_limits = std::move(chain.limits);
  if (!rule->grpc) rule->cache = std::move(chain.cache);
  return rule;
}

void compile_route(World& world, const Object& route, std::uint64_t age_rank,
                   std::uint64_t& order) {
  const Report report = route.report_to(world.context.out.problems);
  const Place root(report), spec(root, "spec"), rules(spec, "rules");
  std::vector<Fault> faults;
  std::vector<Draft> drafts;
  for (std::size_t i = 0; i < items(route.spec(), "rules").size(); ++i)
    drafts.push_back(draft_of(world, route, i, Place(rules, i), faults));
  const auto attachments = attach_route(world, route, conditions_for(faults));
  for (const Draft& draft : drafts) {
    std::map<std::string, std::shared_ptr<const model::Rule>> made;
    const std::uint64_t first = order;
    order += draft.matches.size();
    for (const Attachment& attachment : attachments) {
      auto& rule = made[attachment.listener->chain_identity];
      if (!rule) rule = rule_for(world, draft, attachment.listener->chain);
      for (const std::string& hostname : attachment.hostnames)
        for (std::size_t i = 0; i < draft.matches.size(); ++i)
          attachment.listener->entries.push_back(
              {hostname, draft.matches[i], rule, age_rank, first + i});
    }
  }
}

}  // namespace

void compile_http_routes(World& world) {
  std::uint64_t order = 0;
  for (const std::string_view kind : {"HTTPRoute", "GRPCRoute"})
    for (const Object* route : world.context.of(kind))
      compile_route(world, *route, static_cast<std::uint64_t>(route->created_at), order);
}

}  // namespace headgate::config
