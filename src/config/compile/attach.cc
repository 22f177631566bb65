#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "config/compile/routes.h"
#include "config/value.h"

namespace headgate::config {
namespace {

// Why a parent does not take a route: the last gate that it came to.
struct Refusal {
  std::string reason, message, suggestion;
  std::string_view field;
};

bool takes_kind(const BoundListener& listener, std::string_view kind) {
  return std::find(listener.kinds.begin(), listener.kinds.end(), kind) != listener.kinds.end();
}

std::vector<std::string> common_hostnames(const Object& route, const BoundListener& listener) {
  const Json& wanted = items(route.spec(), "hostnames");
  if (wanted.empty()) return {listener.hostname};
  std::vector<std::string> out;
  for (const Json& name : wanted)
    if (auto both = intersect_hostnames(listener.hostname, name.get_ref<const std::string&>());
        both && std::find(out.begin(), out.end(), *both) == out.end())
      out.push_back(std::move(*both));
  return out;
}

Refusal no_parent(const World& world, const Object& route, const Json& reference) {
  const std::string_view kind = text_of(reference, "kind"), name = text_of(reference, "name");
  const std::string_view name_space = text_of(reference, "namespace", route.name_space);
  return {"NoMatchingParent",
          fmt::format("'{}' is not {} in namespace '{}'", name, with_article(kind), name_space),
          world.context.nearest(kind, name_space, name), "name"};
}

Refusal no_section(const std::vector<BoundListener*>& listeners, const Json& reference,
                   const std::string& parent) {
  std::vector<std::string_view> names;
  for (const BoundListener* listener : listeners) names.push_back(listener->name);
  const std::string_view section = text_of(reference, "sectionName");
  if (section.empty())
    return {"NoMatchingParent",
            fmt::format("{} has no listener on port {}", parent, integer_of(reference, "port")),
            {},
            "port"};
  return {"NoMatchingParent", fmt::format("{} has no such listener as '{}'", parent, section),
          std::string(nearest_name(section, names.data(), names.size()).value_or("")),
          "sectionName"};
}

// Listeners of one parent that take the route; the refusal tells why there are none.
std::vector<Attachment> attach_to(World& world, const Object& route, const Json& reference,
                                  const std::string& parent, Refusal& refusal) {
  const auto listeners = world.listeners.of(parent);
  const std::string_view section = text_of(reference, "sectionName");
  const auto port = integer_of(reference, "port");
  std::vector<Attachment> out;
  for (BoundListener* listener : listeners) {
    if ((!section.empty() && listener->name != section) || (port != 0 && listener->port != port))
      continue;
    if (!takes_kind(*listener, route.kind->name)) {
      refusal = {"NotAllowedByListeners",
                 fmt::format("listener '{}' of {} takes routes of kind {}, not {}", listener->name,
                             parent, fmt::join(listener->kinds, ", "), route.kind->name),
                 {},
                 {}};
      continue;
    }
    if (!world.listeners.lets_in(*listener, route.name_space)) {
      refusal = {"NotAllowedByListeners",
                 fmt::format("allowedRoutes of listener '{}' of {} does not let in namespace '{}'",
                             listener->name, parent, route.name_space),
                 {},
                 {}};
      continue;
    }
    auto hostnames = common_hostnames(route, *listener);
    if (hostnames.empty()) {
      refusal = {"NoMatchingListenerHostname",
                 fmt::format("no hostname of the route is served by listener '{}' of {} ('{}')",
                             listener->name, parent, listener->hostname),
                 {},
                 {}};
      continue;
    }
    out.push_back({listener, std::move(hostnames)});
  }
  if (out.empty() && refusal.reason.empty()) refusal = no_section(listeners, reference, parent);
  return out;
}

void report_refusal(const World& world, const Refusal& refusal, const Place& place) {
  if (refusal.field.empty()) return world.context.fault(place, refusal.message, refusal.suggestion);
  world.context.fault(Place(place, refusal.field), refusal.message, refusal.suggestion);
}

void add_attachments(std::vector<Attachment> found, const World& world,
                     std::vector<Attachment>& out) {
  for (Attachment& one : found) {
    const bool again = std::any_of(out.begin(), out.end(), [&](const Attachment& before) {
      return before.listener == one.listener;
    });
    if (again) continue;
    world.context.out.statuses[one.listener->status].attached_routes++;
    out.push_back(std::move(one));
  }
}

}  // namespace

std::vector<Attachment> attach_route(World& world, const Object& route,
                                     const std::vector<Condition>& conditions) {
  const Report report = route.report_to(world.context.out.problems);
  const Place root(report), spec(root, "spec"), list(spec, "parentRefs");
  std::vector<Attachment> out;
  const Json& references = items(route.spec(), "parentRefs");
  if (references.empty()) list.warning("no parent: the route serves nothing");
  for (std::size_t i = 0; i < references.size(); ++i) {
    const Json& reference = references[i];
    const std::string parent =
        fmt::format("{} {}/{}", text_of(reference, "kind"),
                    text_of(reference, "namespace", route.name_space), text_of(reference, "name"));
    const Object* object =
        text_of(reference, "group") == kGatewayGroup
            ? world.context.find_object(text_of(reference, "kind"),
                                        text_of(reference, "namespace", route.name_space),
                                        text_of(reference, "name"))
            : nullptr;
    Refusal refusal;
    std::vector<Attachment> found;
    if (object) {
      found = attach_to(world, route, reference, parent, refusal);
    } else {
      refusal = no_parent(world, route, reference);
    }
    // A parent with problems of its own, or of somebody else's class, is no further problem of the
    // route.
    const bool silent = object && world.listeners.of(parent).empty();
    ObjectStatus status{route.label, parent, route.generation, conditions, 0};
    if (found.empty() && !silent) report_refusal(world, refusal, Place(list, i));
    if (!silent) {
      status.conditions.insert(status.conditions.begin(),
                               found.empty()
                                   ? Condition{"Accepted", false, refusal.reason, refusal.message}
                                   : Condition{"Accepted", true, "Accepted", ""});
      world.context.out.statuses.push_back(std::move(status));
    }
    add_attachments(std::move(found), world, out);
  }
  return out;
}

std::vector<model::Backend> backends_of(const World& world, const Object& route,
                                        const Json& references, const Place& place,
                                        std::vector<Fault>& faults) {
  std::vector<model::Backend> out;
  for (std::size_t i = 0; i < references.size(); ++i) {
    const Json& reference = references[i];
    const Place here(place, i);
    model::Backend backend;
    auto found = world.upstreams.find(route, reference);
    if (found.index == model::Backend::kInvalid) {
      const bool wrong_kind = found.fault.reason == "InvalidKind";
      world.context.fault(Place(here, wrong_kind ? "kind" : "name"), found.fault);
      faults.push_back(std::move(found.fault));
    }
    backend.upstream = found.index;
    backend.weight = whole_of<std::uint32_t>(reference, "weight", 1);
    if (backend.weight > 0) out.push_back(std::move(backend));
  }
  return out;
}

std::vector<Condition> conditions_for(const std::vector<Fault>& faults) {
  if (faults.empty()) return {{"ResolvedRefs", true, "ResolvedRefs", ""}};
  return {{"ResolvedRefs", false,
           faults[0].reason == "Invalid" ? "BackendNotFound" : faults[0].reason,
           faults[0].message}};
}

}  // namespace headgate::config
