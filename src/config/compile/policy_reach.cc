#include "config/compile/policy_reach.h"

#include <fmt/format.h>

#include <map>
#include <string>
#include <vector>

#include "base/ascii.h"
#include "config/value.h"

namespace headgate::config {
namespace {

// What can use a field, as bits.
constexpr unsigned kHttp = 1, kStream = 2, kDatagram = 4;
constexpr std::size_t kPlacesToldMax = 4;

struct Placed {
  std::string_view group, field;  // an empty field: the group as a whole
  unsigned used_by;
};
// Fields of a TrafficPolicy that stand for something beside HTTP, in front of the group that they
// are of.
constexpr Placed kTraffic[] = {
    {"timeouts", "bodyIdle", kHttp | kDatagram},
    {"timeouts", "tunnelIdle", kHttp | kStream},
    {"timeouts", "tunnelMax", kHttp | kStream},
    {"timeouts", {}, kHttp},
    {"retry", "attempts", kHttp | kStream},
    {"retry", "onConnectFailure", kHttp | kStream},
    {"retry", {}, kHttp},
    {"accessLog", "enabled", kHttp | kStream | kDatagram},
    {"accessLog", "sample", kHttp | kStream | kDatagram},
    {"accessLog", {}, kHttp},
    {"connection", "maxConnections", kHttp | kStream | kDatagram},
    {"connection", "maxConnectionsPerAddress", kHttp | kStream},
    {"connection", "proxyProtocolFrom", kHttp | kStream},
    {"connection", "tlsHandshakeTimeout", kHttp | kStream},
    {"connection", {}, kHttp},
    {"maxBufferBytes", {}, kHttp | kStream},
    {"hedging", {}, kHttp},
    {"compression", {}, kHttp},
    {"errorPages", {}, kHttp},
    {"maxRequestBodyBytes", {}, kHttp},
    {"webSocket", {}, kHttp},
    {"abortOnClientClose", {}, kHttp},
    {"via", {}, kHttp},
};

// Turned off: that it has no effect is what was wanted.
bool is_off(const Json& value) {
  return value.is_array() ? value.empty() : value.is_number() && value == 0;
}

const Placed* placed(std::string_view group, std::string_view field) {
  const auto at = std::find_if(std::begin(kTraffic), std::end(kTraffic), [&](const Placed& one) {
    return one.group == group && (one.field.empty() || one.field == field);
  });
  return at == std::end(kTraffic) ? nullptr : at;
}

unsigned bit_of(model::PortProtocol protocol) {
  switch (protocol) {
    case model::PortProtocol::kHttp:
    case model::PortProtocol::kHttps: return kHttp;
    case model::PortProtocol::kTlsPassthrough:
    case model::PortProtocol::kTlsTerminate:
    case model::PortProtocol::kTcp: return kStream;
    case model::PortProtocol::kUdp: return kDatagram;
  }
  return 0;
}

unsigned bit_of(std::string_view route_kind) {
  if (route_kind == "UDPRoute") return kDatagram;
  return route_kind == "TLSRoute" || route_kind == "TCPRoute" ? kStream : kHttp;
}

// Listeners and routes that one policy is attached to.
struct Reach {
  struct Spot {
    std::string label;
    unsigned bit;
  };
  std::vector<Spot> spots;

  unsigned bits() const {
    unsigned all = 0;
    for (const Spot& spot : spots) all |= spot.bit;
    return all;
  }
  // Those that cannot use what `used_by` can: "Gateway default/edge/raw, Gateway default/edge/dns".
  std::string without(unsigned used_by) const {
    std::vector<std::string_view> labels;
    for (const Spot& spot : spots)
      if ((spot.bit & used_by) == 0) labels.push_back(spot.label);
    const std::size_t told = std::min(labels.size(), kPlacesToldMax);
    std::string text = fmt::format(
        "{}", fmt::join(labels.begin(), labels.begin() + static_cast<std::ptrdiff_t>(told), ", "));
    if (labels.size() > told) text += fmt::format(" and {} more", labels.size() - told);
    return text;
  }
};

class ReachCheck {
 public:
  ReachCheck(const Context& context, const Listeners& listeners, const Policies& policies)
      : context_(context), listeners_(listeners), policies_(policies) {}

  void run() {
    for (const auto& listener : listeners_.all())
      add(listener->chain, listener->label(), bit_of(listener->protocol));
    for (const std::string_view kind :
         {"HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"})
      for (const Object* route : context_.of(kind)) add_route(*route);
    for (const Object* policy : context_.of("AccessPolicy"))
      for (const std::string_view field : {"jwt", "apiKeys", "signedUrls", "externalAuthorization"})
        check_guard(*policy, field);
    for (const Object* policy : context_.of("RateLimit")) check_guard(*policy, "limits");
    for (const Object* policy : context_.of("TrafficPolicy")) check_traffic(*policy);
    for (const Object* policy : context_.of("CachePolicy")) check_cache(*policy);
    for (const auto& listener : listeners_.all())
      if (listener->protocol == model::PortProtocol::kUdp) check_datagram_listener(*listener);
    note_refused();
  }

 private:
  void add(const Chain& chain, const std::string& label, unsigned bit) {
    for (const auto* list : {&chain.traffic, &chain.guards})
      for (const Object* policy : *list) reached_[policy].spots.push_back({label, bit});
    if (chain.cache_object) reached_[chain.cache_object].spots.push_back({label, bit});
  }

  void add_route(const Object& route) {
    const unsigned bit = bit_of(route.kind->name);
    add(policies_.at_target(route, {}), route.label, bit);
    for (const Json& rule : items(route.spec(), "rules"))
      if (const std::string_view name = text_of(rule, "name"); !name.empty())
        add(policies_.at_target(route, name), route.label, bit);
  }

  const Reach* reach_of(const Object& policy) const {
    const auto it = reached_.find(&policy);
    return it == reached_.end() ? nullptr : &it->second;
  }

  void check_guard(const Object& policy, std::string_view field) {
    const Reach* reach = reach_of(policy);
    if (!reach || !find(policy.spec(), field) || (reach->bits() & ~kHttp) == 0) return;
    const std::string message = fmt::format(
        "cannot guard {}, which carries no HTTP requests: attach the policy by sectionName to the "
        "listeners "
        "that speak HTTP, or to routes",
        reach->without(kHttp));
    const Report report = policy.report_to(context_.out.problems);
    const Place root(report), spec(root, "spec");
    Place(spec, field).error(message);
    refused_.emplace(policy.label, fmt::format("{}: {}", field, message));
  }

  void note_refused() {
    if (refused_.empty()) return;
    for (ObjectStatus& status : context_.out.statuses) {
      const auto why = refused_.find(status.object);
      if (why == refused_.end()) continue;
      for (Condition& one : status.conditions)
        if (one.type == "Accepted") one = {one.type, false, "Invalid", why->second};
    }
  }

  void check_traffic(const Object& policy) {
    const Reach* reach = reach_of(policy);
    if (!reach) return;
    const Report report = policy.report_to(context_.out.problems);
    const Place root(report), spec(root, "spec");
    const auto check = [&](const Placed* field, const Json& value, const Place& place) {
      if (field && (reach->bits() & field->used_by) == 0 && !is_off(value))
        place.warning(fmt::format("has no effect on {}", reach->without(field->used_by)));
    };
    for (const auto& [group, value] : policy.spec().items()) {
      const Place place(spec, group);
      if (!value.is_object())
        check(placed(group, {}), value, place);
      else
        for (const auto& [field, inner] : value.items())
          check(placed(group, field), inner, Place(place, field));
    }
  }

  // Caching keeps nobody out, so that it cannot be where nothing can be cached is no error.
  void check_cache(const Object& policy) {
    const Reach* reach = reach_of(policy);
    if (!reach || !boolean_of(policy.spec(), "enabled")) return;
    const Report report = policy.report_to(context_.out.problems);
    const Place root(report), spec(root, "spec");
    if ((reach->bits() & kHttp) != 0) return check_key(policy, spec);
    Place(spec, "targetRefs")
        .warning(
            fmt::format("nothing is cached: {} carries no HTTP requests", reach->without(kHttp)));
  }

  // Of strangers it is replaced by the host of the URL, which every key holds.
  void check_key(const Object& policy, const Place& spec) {
    for (const auto& listener : listeners_.all())
      if (!policies_.settings(listener->chain).trusted_proxies.empty()) return;
    const Place key(spec, "key"), headers(key, "headers");
    const std::vector<std::string> names = texts_of(at(policy.spec(), "key"), "headers");
    for (std::size_t i = 0; i < names.size(); ++i)
      if (equals_ignore_case(names[i], "x-forwarded-host"))
        Place(headers, i)
            .warning(
                "has no effect: no TrafficPolicy names `connection.trustedProxies` of which it is "
                "believed");
  }

  // These two keep somebody out, or say who somebody is: that they hold elsewhere does not help a
  // UDP listener. The nearest policy that sets one is told, unless it says there that it is off.
  void check_datagram_listener(const BoundListener& listener) {
    for (const std::string_view field : {"proxyProtocolFrom", "maxConnectionsPerAddress"}) {
      const Object* nearest = nullptr;
      for (const Object* policy : listener.chain.traffic)
        if (find(at(policy->spec(), "connection"), field)) nearest = policy;
      if (!nearest || (reach_of(*nearest)->bits() & (kHttp | kStream)) == 0) continue;
      const Json& value = at(at(nearest->spec(), "connection"), field);
      if (is_off(value)) continue;
      const Report report = nearest->report_to(context_.out.problems);
      const Place root(report), spec(root, "spec"), connection(spec, "connection");
      Place(connection, field)
          .warning(fmt::format("has no effect on {}: a TrafficPolicy for that listener with {} {} "
                               "says that this is known",
                               listener.label(), field, value.is_array() ? "[]" : "0"));
    }
  }

  const Context& context_;
  const Listeners& listeners_;
  const Policies& policies_;
  std::map<const Object*, Reach> reached_;  // looked up, never walked
  std::map<std::string, std::string> refused_;
};

}  // namespace

void check_policy_reach(const Context& context, const Listeners& listeners,
                        const Policies& policies) {
  ReachCheck(context, listeners, policies).run();
}

bool traffic_field_is_placed(std::string_view path) {
  const std::size_t dot = path.find('.');
  return placed(path.substr(0, dot),
                dot == std::string_view::npos ? std::string_view() : path.substr(dot + 1)) !=
         nullptr;
}

}  // namespace headgate::config
