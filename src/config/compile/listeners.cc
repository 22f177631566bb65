#include "config/compile/listeners.h"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <tuple>

#include "config/compile/certificates.h"
#include "config/value.h"

namespace headgate::config {
namespace {

using model::PortProtocol;

PortProtocol protocol_of(const Json& listener) {
  const std::string_view name = text_of(listener, "protocol");
  if (name == "HTTPS") return PortProtocol::kHttps;
  if (name == "TCP") return PortProtocol::kTcp;
  if (name == "UDP") return PortProtocol::kUdp;
  if (name != "TLS") return PortProtocol::kHttp;
  return text_of(at(listener, "tls"), "mode") == "Passthrough" ? PortProtocol::kTlsPassthrough
                                                               : PortProtocol::kTlsTerminate;
}

std::vector<std::string> kinds_for(PortProtocol protocol) {
  switch (protocol) {
    case PortProtocol::kHttp:
    case PortProtocol::kHttps: return {"HTTPRoute", "GRPCRoute"};
    case PortProtocol::kTlsPassthrough: return {"TLSRoute"};
    case PortProtocol::kTlsTerminate: return {"TLSRoute", "TCPRoute"};
    case PortProtocol::kTcp: return {"TCPRoute"};
    case PortProtocol::kUdp: return {"UDPRoute"};
  }
  return {};
}

std::size_t index_in_owner(const BoundListener& listener) {
  const Json& list = items(listener.owner->spec(), "listeners");
  std::size_t i = 0;
  while (i < list.size() && &list[i] != listener.value) ++i;
  return i;
}

// perPort wins over default, as a whole.
std::pair<const Json*, std::string> client_validation_of(const BoundListener& listener) {
  const Json& frontend = at(at(listener.gateway->spec(), "tls"), "frontend");
  for (const Json& one : items(frontend, "perPort"))
    if (integer_of(one, "port") == listener.port)
      return {find(at(one, "tls"), "validation"), "perPort"};
  return {find(at(frontend, "default"), "validation"), "default"};
}

std::string_view name_served(const model::ForwardRule& rule) {
  return rule.hostnames.empty() ? std::string_view() : std::string_view(rule.hostnames[0]);
}

// Of rules for one name the older route's comes first: ids are given in that order.
void sort_by_name(model::Port& port) {
  std::sort(port.listeners.begin(), port.listeners.end(), [](const auto& a, const auto& b) {
    return a.hostname == b.hostname ? a.name < b.name : more_specific(a.hostname, b.hostname);
  });
  std::sort(port.forwards.begin(), port.forwards.end(), [](const auto& a, const auto& b) {
    return name_served(a) == name_served(b) ? a.id < b.id
                                            : more_specific(name_served(a), name_served(b));
  });
}

bool is_tls(PortProtocol protocol) {
  return protocol == PortProtocol::kHttps || protocol == PortProtocol::kTlsTerminate;
}

}  // namespace

std::string BoundListener::label() const { return fmt::format("{}/{}", owner->label, name); }

Listeners::Listeners(const Context& context, const Policies& policies) : context_(context) {
  for (const Object* gateway : context.of("Gateway")) bind_gateway(*gateway, policies);
  for (const Object* set : context.of("ListenerSet")) bind_set(*set, policies);
  find_conflicts();
}

void Listeners::bind_gateway(const Object& gateway, const Policies& policies) {
  const std::string_view name = text_of(gateway.spec(), "gatewayClassName");
  const Object* gateway_class = context_.find_object("GatewayClass", {}, name);
  if (gateway_class && gateway_class->valid &&
      text_of(gateway_class->spec(), "controllerName") != "headgate.io/edge")
    return;
  if (!gateway_class && name != "headgate") {
    const Report report = gateway.report_to(context_.out.problems);
    const Place root(report), spec(root, "spec");
    context_.fault(Place(spec, "gatewayClassName"), fmt::format("'{}' is not a GatewayClass", name),
                   "headgate");
    context_.out.statuses.push_back({gateway.label,
                                     {},
                                     gateway.generation,
                                     {{"Accepted", false, "Invalid", "no such GatewayClass"}},
                                     0});
    return;
  }
  context_.out.statuses.push_back(
      {gateway.label,
       {},
       gateway.generation,
       {{"Accepted", true, "Accepted", ""}, {"Programmed", true, "Programmed", ""}},
       0});
  bind(gateway, gateway, policies);
}

bool Listeners::admits_set(const Object& gateway, const Object& set) const {
  const Json& namespaces = at(at(gateway.spec(), "allowedListeners"), "namespaces");
  const std::string_view from = text_of(namespaces, "from", "None");
  if (from == "All") return true;
  if (from == "Same") return gateway.name_space == set.name_space;
  return from == "Selector" &&
         context_.namespace_matches(set.name_space, at(namespaces, "selector"));
}

void Listeners::bind_set(const Object& set, const Policies& policies) {
  const Report report = set.report_to(context_.out.problems);
  const Place root(report), spec(root, "spec"), place(spec, "parentRef");
  const Json& parent = at(set.spec(), "parentRef");
  const std::string_view name_space = text_of(parent, "namespace", set.name_space),
                         name = text_of(parent, "name");
  const Object* gateway = context_.find_object("Gateway", name_space, name);
  Condition accepted{"Accepted", true, "Accepted", ""};
  if (!gateway) {
    accepted = {"Accepted", false, "NotAllowed", "no such Gateway"};
    context_.fault(Place(place, "name"),
                   fmt::format("'{}' is not a Gateway in namespace '{}'", name, name_space),
                   context_.nearest("Gateway", name_space, name));
  } else if (gateway->valid && !admits_set(*gateway, set)) {
    accepted = {"Accepted", false, "NotAllowed",
                "allowedListeners of the Gateway does not let it in"};
    context_.fault(place,
                   fmt::format("expected spec.allowedListeners of {} to let in namespace '{}'",
                               gateway->label, set.name_space));
  } else if (by_owner_.contains(gateway->label)) {
    bind(set, *gateway, policies);
  }
  context_.out.statuses.push_back(
      {set.label, gateway ? gateway->label : "", set.generation, {accepted}, 0});
}

void Listeners::bind(const Object& owner, const Object& gateway, const Policies& policies) {
  auto& bound = by_owner_[owner.label];
  for (const Json& value : items(owner.spec(), "listeners")) {
    auto listener = std::make_unique<BoundListener>();
    listener->owner = &owner;
    listener->gateway = &gateway;
    listener->value = &value;
    listener->name = text_of(value, "name");
    listener->hostname = text_of(value, "hostname");
    listener->port = whole_of<std::uint16_t>(value, "port");
    listener->protocol = protocol_of(value);
    listener->usable = true;
    listener->chain = policies.at_target(gateway, {});
    if (&owner != &gateway) listener->chain.append(policies.at_target(owner, {}));
    listener->chain.append(policies.at_target(owner, listener->name));
    listener->chain_identity = Policies::identity(listener->chain);
    listener->status = context_.out.statuses.size();
    context_.out.statuses.push_back({owner.label,
                                     listener->name,
                                     owner.generation,
                                     {{"Accepted", true, "Accepted", ""},
                                      {"ResolvedRefs", true, "ResolvedRefs", ""},
                                      {"Programmed", true, "Programmed", ""}},
                                     0});
    read_kinds(*listener);
    if (is_tls(listener->protocol)) read_tls(*listener);
    bound.push_back(listener.get());
    all_.push_back(std::move(listener));
  }
}

void Listeners::fault(BoundListener& listener, std::string_view condition, std::string reason,
                      std::string message, std::string_view field, std::string_view suggestion) {
  const Report report = listener.owner->report_to(context_.out.problems);
  const Place root(report), spec(root, "spec"), list(spec, "listeners"),
      here(list, index_in_owner(listener));
  context_.fault(Place(here, field), message, suggestion);
  for (Condition& one : context_.out.statuses[listener.status].conditions)
    if (one.type == condition || (one.type == "Programmed" && !listener.usable))
      one = {one.type, false, one.type == condition ? reason : "Invalid", message};
}

void Listeners::read_kinds(BoundListener& listener) {
  const std::vector<std::string> possible = kinds_for(listener.protocol);
  const Json& wanted = items(at(*listener.value, "allowedRoutes"), "kinds");
  if (wanted.empty()) {
    listener.kinds = possible;
    return;
  }
  for (const Json& one : wanted) {
    const std::string_view kind = text_of(one, "kind");
    if (text_of(one, "group") == kGatewayGroup &&
        std::find(possible.begin(), possible.end(), kind) != possible.end()) {
      listener.kinds.emplace_back(kind);
    } else {
      fault(listener, "ResolvedRefs", "InvalidRouteKinds",
            fmt::format("expected kinds among {}, got '{}'", fmt::join(possible, ", "), kind),
            "allowedRoutes");
    }
  }
}

void Listeners::read_tls(BoundListener& listener) {
  const Json& tls = at(*listener.value, "tls");
  const Json& references = items(tls, "certificateRefs");
  listener.tls.issue_locally = references.empty();
  for (const Json& reference : references) {
    const Resolved secret = context_.resolve(*listener.owner, "", "Secret", reference);
    const auto certificate = secret.object ? read_certificate(*secret.object)
                                           : fail(Code::kNotFound, secret.fault.message);
    if (certificate) {
      listener.tls.certificates.push_back(*certificate);
    } else if (!secret.fault.silent) {
      fault(listener, "ResolvedRefs",
            secret.fault.reason == "RefNotPermitted" ? "RefNotPermitted" : "InvalidCertificateRef",
            certificate.error().message, "tls", secret.fault.suggestion);
    }
  }
  const auto fits = [&](const model::Certificate& one) { return covers(one, listener.hostname); };
  if (!listener.tls.certificates.empty() &&
      std::none_of(listener.tls.certificates.begin(), listener.tls.certificates.end(), fits)) {
    const Report report = listener.owner->report_to(context_.out.problems);
    const Place root(report), spec(root, "spec"), list(spec, "listeners"),
        here(list, index_in_owner(listener)), place(here, "tls");
    Place(place, "certificateRefs")
        .warning(fmt::format("no certificate covers hostname '{}'", listener.hostname));
  }
  // Without any good certificate nothing can be served here; issuing one instead would hide the
  // mistake.
  if (!references.empty() && listener.tls.certificates.empty()) {
    listener.usable = false;
    for (Condition& one : context_.out.statuses[listener.status].conditions)
      if (one.type == "Programmed") one = {one.type, false, "Invalid", "no certificate"};
  }
  if (text_of(at(tls, "options"), "headgate.io/tls-policy") == "modern")
    listener.tls.policy = {"modern", false};
  const auto [validation, field] = client_validation_of(listener);
  if (!validation) return;
  const Report report = listener.gateway->report_to(context_.out.problems);
  const Place root(report), spec(root, "spec"), tls_place(spec, "tls"),
      frontend(tls_place, "frontend"), part(frontend, field);
  listener.tls.client.ca_pem = read_trust_anchors(context_, *listener.gateway,
                                                  items(*validation, "caCertificateRefs"), part);
  listener.tls.client.required = text_of(*validation, "mode") == "AllowValidOnly";
  listener.tls.client.fingerprint =
      hash64(listener.tls.client.ca_pem, listener.tls.client.required ? 1 : 0);
  if (listener.tls.client.ca_pem.empty()) listener.usable = false;  // nobody could be verified
}

std::vector<std::string> Listeners::addresses_of(const Object& gateway) const {
  if (!context_.options.address_override.empty()) return {context_.options.address_override};
  std::vector<std::string> out;
  for (const Json& one : items(gateway.spec(), "addresses"))
    out.push_back(wire::ip::to_string(*wire::ip::parse_ip(text_of(one, "value"))));
  if (out.empty()) out.emplace_back();
  return out;
}

// The one that came first keeps port and name: Gateways by age and name, then ListenerSets.
void Listeners::find_conflicts() {
  std::map<std::tuple<std::string, std::uint16_t, bool>, const BoundListener*> first_on_port;
  std::map<std::tuple<std::string, std::uint16_t, bool, std::string>, const BoundListener*>
      first_with_name;
  for (const auto& listener : all_) {
    if (!listener->usable) continue;
    const bool udp = listener->protocol == PortProtocol::kUdp;
    for (const std::string& address : addresses_of(*listener->gateway)) {
      const auto [port, fresh] =
          first_on_port.emplace(std::tuple(address, listener->port, udp), listener.get());
      if (!fresh && port->second->protocol != listener->protocol) {
        listener->usable = false;
        fault(*listener, "Accepted", "ProtocolConflict",
              fmt::format("port {} already speaks the protocol of {}", listener->port,
                          port->second->label()),
              "port");
        break;
      }
      const auto [name, fresh_name] = first_with_name.emplace(
          std::tuple(address, listener->port, udp, listener->hostname), listener.get());
      if (!fresh_name) {
        listener->usable = false;
        fault(
            *listener, "Accepted", "HostnameConflict",
            fmt::format("{} already serves {} on port {}", name->second->label(),
                        listener->hostname.empty() ? "every host" : "'" + listener->hostname + "'",
                        listener->port),
            "hostname");
        break;
      }
    }
  }
}

std::vector<BoundListener*> Listeners::of(std::string_view owner_label) {
  const auto it = by_owner_.find(owner_label);
  return it == by_owner_.end() ? std::vector<BoundListener*>() : it->second;
}

bool Listeners::lets_in(const BoundListener& listener, std::string_view route_namespace) const {
  const Json& namespaces = at(at(*listener.value, "allowedRoutes"), "namespaces");
  const std::string_view from = text_of(namespaces, "from");
  if (from == "All") return true;
  if (from == "Same") return listener.owner->name_space == route_namespace;
  return context_.namespace_matches(route_namespace, at(namespaces, "selector"));
}

std::vector<model::Port> Listeners::finish(const Policies& policies) {
  std::map<std::tuple<std::string, std::uint16_t, bool>, std::pair<model::Port, std::string>> ports;
  for (const auto& listener : all_) {
    if (!listener->usable) continue;
    model::Listener made{listener->label(), listener->hostname,
                         model::build_route_table(std::move(listener->entries)), listener->tls};
    const std::string connection = Policies::identity({.traffic = listener->chain.traffic});
    for (const std::string& address : addresses_of(*listener->gateway)) {
      auto [it, fresh] =
          ports.try_emplace({address, listener->port, listener->protocol == PortProtocol::kUdp});
      auto& [port, settled_by] = it->second;
      if (fresh) {
        port.address = address;
        port.port = listener->port;
        port.protocol = listener->protocol;
        port.settings = policies.settings(listener->chain);
        settled_by = connection;
      } else if (settled_by != connection) {
        const Report report = listener->owner->report_to(context_.out.problems);
        Place(report).warning(
            fmt::format("listener '{}' shares port {} with {}, whose TrafficPolicy holds for "
                        "connections of both",
                        listener->name, port.port, port.listeners[0].name));
      }
      port.listeners.push_back(made);
      port.forwards.insert(port.forwards.end(), listener->forwards.begin(),
                           listener->forwards.end());
    }
  }
  std::vector<model::Port> out;
  for (auto& [key, entry] : ports) {
    auto& port = entry.first;
    sort_by_name(port);
    out.push_back(std::move(port));
  }
  report_shared_addresses(out);
  return out;
}

// The system refuses a second socket on one address of a port that is listened on everywhere.
void Listeners::report_shared_addresses(const std::vector<model::Port>& ports) const {
  for (const model::Port& everywhere : ports)
    for (const model::Port& one : ports)
      if (everywhere.address.empty() && !one.address.empty() && one.port == everywhere.port &&
          (one.protocol == PortProtocol::kUdp) == (everywhere.protocol == PortProtocol::kUdp))
        context_.out.problems.add(
            {Severity::kError,
             {},
             0,
             one.listeners[0].name,
             {},
             fmt::format("port {} of {} is taken by {}, which listens on every address", one.port,
                         one.address, everywhere.listeners[0].name),
             {}});
}

std::optional<std::string> intersect_hostnames(std::string_view listener, std::string_view route) {
  if (listener.empty() || listener == route) return std::string(route);
  if (route.empty()) return std::string(listener);
  const auto within = [](std::string_view name, std::string_view pattern) {
    return pattern.starts_with("*.") && name.size() > pattern.size() - 1 &&
           name.ends_with(pattern.substr(1));
  };
  if (within(route, listener)) return std::string(route);
  if (within(listener, route)) return std::string(listener);
  return std::nullopt;
}

bool more_specific(std::string_view a, std::string_view b) {
  const auto rank = [](std::string_view s) { return s.empty() ? 2 : s.starts_with('*') ? 1 : 0; };
  if (rank(a) != rank(b)) return rank(a) < rank(b);
  return a.size() == b.size() ? a < b : a.size() > b.size();
}

}  // namespace headgate::config
