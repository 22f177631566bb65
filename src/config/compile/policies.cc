#include "config/compile/policies.h"

#include <fmt/format.h>

#include <algorithm>

#include "config/compile/access.h"
#include "config/compile/cache.h"
#include "config/compile/traffic.h"
#include "config/value.h"

namespace headgate::config {
namespace {

std::string target_key(std::string_view label, std::string_view section) {
  return fmt::format("{}#{}", label, section);
}

bool has_section(const Object& target, std::string_view section) {
  const bool listeners = target.kind->name == "Gateway" || target.kind->name == "ListenerSet";
  const Json& list = items(target.spec(), listeners ? "listeners" : "rules");
  return std::any_of(list.begin(), list.end(),
                     [&](const Json& one) { return text_of(one, "name") == section; });
}

void note(const Context& context, const Object& policy, const std::string& target, bool accepted,
          std::string reason, std::string message) {
  context.out.statuses.push_back({policy.label,
                                  target,
                                  policy.generation,
                                  {{"Accepted", accepted, std::move(reason), std::move(message)}},
                                  0});
}

void note_conflict(const Context& context, const Object& policy, const std::string& target,
                   const Place& place, const Object& first) {
  note(context, policy, target, false, "Conflicted", first.label + " is used");
  place.warning(fmt::format("not used for {}: {} came before", target, first.label));
}

}  // namespace

void Chain::append(const Chain& inner) {
  traffic.insert(traffic.end(), inner.traffic.begin(), inner.traffic.end());
  access.insert(access.end(), inner.access.begin(), inner.access.end());
  limits.insert(limits.end(), inner.limits.begin(), inner.limits.end());
  guards.insert(guards.end(), inner.guards.begin(), inner.guards.end());
  if (!inner.cache_object) return;
  cache_object = inner.cache_object;
  cache = inner.cache;
}

// Calls add(chain of the target, its key, place of the reference) for every target that is there.
template <typename Add>
void Policies::attach(const Object& policy, Add add) {
  const Report report = policy.report_to(context_.out.problems);
  const Place root(report), spec(root, "spec"), list(spec, "targetRefs");
  const Json& targets = items(policy.spec(), "targetRefs");
  for (std::size_t i = 0; i < targets.size(); ++i) {
    const Place here(list, i);
    const std::string_view kind = text_of(targets[i], "kind"), name = text_of(targets[i], "name"),
                           section = text_of(targets[i], "sectionName");
    const Object* target = text_of(targets[i], "group", kGatewayGroup) == kGatewayGroup
                               ? context_.find_object(kind, policy.name_space, name)
                               : nullptr;
    const std::string label = fmt::format("{} {}/{}", kind, policy.name_space, name);
    if (!target) {
      note(context_, policy, label, false, "TargetNotFound", "no such object");
      context_.fault(Place(here, "name"),
                     fmt::format("'{}' is not {} in namespace '{}'", name, with_article(kind),
                                 policy.name_space),
                     context_.nearest(kind, policy.name_space, name));
    } else if (!section.empty() && target->valid && !has_section(*target, section)) {
      note(context_, policy, label, false, "TargetNotFound", "no such section");
      context_.fault(
          Place(here, "sectionName"),
          fmt::format("'{}' is the name of no {} of {}", section,
                      label.starts_with("Gateway") || label.starts_with("ListenerSet") ? "listener"
                                                                                       : "rule",
                      label));
    } else {
      add(targets_[target_key(target->label, section)], target->label, here);
    }
  }
}

void Policies::attach_traffic(const Object& policy) {
  attach(policy, [&](Chain& chain, const std::string& target, const Place& place) {
    if (!chain.traffic.empty())
      return note_conflict(context_, policy, target, place, *chain.traffic[0]);
    chain.traffic.push_back(&policy);
    note(context_, policy, target, true, "Accepted", "");
  });
}

void Policies::attach_cache(const Upstreams& upstreams, const Object& policy) {
  const auto made = cache_policy_of(context_, upstreams, policy);
  attach(policy, [&](Chain& chain, const std::string& target, const Place& place) {
    if (chain.cache_object)
      return note_conflict(context_, policy, target, place, *chain.cache_object);
    chain.cache_object = &policy;
    chain.cache = made;
    note(context_, policy, target, true, "Accepted", "");
  });
}

Policies::Policies(const Context& context, const Upstreams& upstreams) : context_(context) {
  for (const Object* policy : context.of("TrafficPolicy")) attach_traffic(*policy);
  for (const Object* policy : context.of("CachePolicy")) attach_cache(upstreams, *policy);
  for (const Object* policy : context.of("RateLimit")) {
    const auto limits = rate_limits_of(*policy);
    attach(*policy, [&](Chain& chain, const std::string& target, const Place&) {
      chain.limits.insert(chain.limits.end(), limits.begin(), limits.end());
      chain.guards.push_back(policy);
      note(context_, *policy, target, true, "Accepted", "");
    });
  }
  for (const Object* policy : context.of("AccessPolicy")) {
    const auto access = access_policy_of(context, upstreams, *policy);
    attach(*policy, [&](Chain& chain, const std::string& target, const Place&) {
      chain.access.push_back(access);
      chain.guards.push_back(policy);
      note(context_, *policy, target, true, "Accepted", "");
    });
  }
}

const Chain& Policies::at_target(const Object& object, std::string_view section) const {
  static const Chain none;
  const auto it = targets_.find(target_key(object.label, section));
  return it == targets_.end() ? none : it->second;
}

std::string Policies::identity(const Chain& chain) {
  std::string out;
  const auto add = [&](const void* pointer) {
    out.append(reinterpret_cast<const char*>(&pointer), sizeof pointer);
  };
  for (const auto* policy : chain.traffic) add(policy);
  out += 'a';
  for (const auto& policy : chain.access) add(policy.get());
  out += 'l';
  for (const auto& limit : chain.limits) add(limit.get());
  out += 'c';
  add(chain.cache.get());
  return out;
}

Json Policies::merged(const Chain& chain, const Json& overrides) const {
  Json out = Json::object();
  for (const Object* policy : chain.traffic) out.update(policy->spec(), true);
  if (overrides.is_object()) out.update(overrides, true);
  fill_defaults(traffic_schema(), out);
  return out;
}

std::shared_ptr<const model::TrafficPolicy> Policies::traffic(const Chain& chain,
                                                              const Json& overrides) {
  std::string key = overrides.empty() ? std::string() : overrides.dump();
  for (const Object* policy : chain.traffic)
    key.append(reinterpret_cast<const char*>(&policy), sizeof policy);
  const auto it = traffic_.find(key);
  if (it != traffic_.end()) return it->second;
  auto made =
      std::make_shared<const model::TrafficPolicy>(traffic_policy_of(merged(chain, overrides)));
  traffic_.emplace(std::move(key), made);
  return made;
}

model::PortSettings Policies::settings(const Chain& chain) const {
  return port_settings_of(at(merged(chain, Json::object()), "connection"));
}

}  // namespace headgate::config
