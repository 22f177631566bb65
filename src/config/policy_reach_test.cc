// Policies whose target carries no HTTP: what is refused, what is warned of, and what holds.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "config/compile/policy_reach.h"
#include "config/testing/compiled_text.h"

namespace headgate::config {
namespace {

// The listeners http, raw (TCP), sni (TLS, passed through), end (TLS, decrypted) and dns (UDP).
constexpr std::string_view kListeners = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: headgate
  allowedListeners: {namespaces: {from: All}}
  listeners:
  - {name: http, protocol: HTTP, port: 8080}
  - {name: raw, protocol: TCP, port: 5432}
  - {name: sni, protocol: TLS, port: 6443, tls: {mode: Passthrough}}
  - {name: end, protocol: TLS, port: 8883, hostname: a.example, tls: {mode: Terminate}}
  - {name: dns, protocol: UDP, port: 5353}
---
)";
constexpr std::string_view kForwards = R"(apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: raw}
spec: {parentRefs: [{name: edge, sectionName: raw}], rules: [{backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {name: dns}
spec: {parentRefs: [{name: edge, sectionName: dns}], rules: [{backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]}]}
---
apiVersion: v1
kind: Secret
metadata: {name: keys}
stringData: {one: long-enough-key, url: 0123456789abcdef0123456789abcdef}
---
)";

Outcome with_edge(const std::string& text) {
  return compile_text(std::string(kListeners) + upstream_at("shop", 9000) + std::string(kForwards) +
                      text);
}

std::string policy(std::string_view kind, std::string_view targets, std::string_view spec) {
  return fmt::format(
      "apiVersion: headgate.io/v1alpha1\nkind: {}\nmetadata: {{name: guard}}\nspec:\n  targetRefs: "
      "[{}]\n  {}\n---\n",
      kind, targets, spec);
}
std::string on_section(std::string_view section) {
  return fmt::format("{{kind: Gateway, name: edge, sectionName: {}}}", section);
}

constexpr std::string_view kGateway = "{kind: Gateway, name: edge}";
constexpr std::string_view kAdvice =
    "which carries no HTTP requests: attach the policy by sectionName to the listeners that speak "
    "HTTP, or to routes";
constexpr std::string_view kAll =
    "Gateway default/edge/raw, Gateway default/edge/sni, Gateway default/edge/end, Gateway "
    "default/edge/dns";

struct Rule {
  const char *field, *spec;
};
class RequestRule : public testing::TestWithParam<Rule> {};
INSTANTIATE_TEST_SUITE_P(
    AccessPolicy, RequestRule,
    testing::Values(
        Rule{"jwt",
             R"(jwt: {providers: [{name: a, issuer: i, jwks: {url: "https://id.example/keys"}}]})"},
        Rule{"apiKeys", "apiKeys: {header: X-Key, secretRefs: [{name: keys}]}"},
        Rule{"signedUrls", "signedUrls: {keys: [{id: a, secretRef: {name: keys, key: url}}]}"},
        Rule{"externalAuthorization", "externalAuthorization: {backendRef: {name: shop}}"}));

TEST_P(RequestRule, OnAGatewayNamesEveryListenerThatItCannotGuard) {
  const Outcome out = with_edge(policy("AccessPolicy", kGateway, GetParam().spec));
  EXPECT_NE(
      out.problems.find(fmt::format(": AccessPolicy default/guard: spec.{}: cannot guard {}, {}\n",
                                    GetParam().field, kAll, kAdvice)),
      std::string::npos)
      << out.problems;
  EXPECT_EQ(out.compiled.problems.errors(), 1U);
  EXPECT_FALSE(out.compiled.snapshot);
}

TEST_P(RequestRule, OnOneListenerNamesThatOne) {
  for (const char* const section : {"raw", "sni", "end", "dns"}) {
    const Outcome out = with_edge(policy("AccessPolicy", on_section(section), GetParam().spec));
    EXPECT_NE(out.problems.find(fmt::format("spec.{}: cannot guard Gateway default/edge/{}, {}",
                                            GetParam().field, section, kAdvice)),
              std::string::npos)
        << out.problems;
  }
}

TEST_P(RequestRule, OnTheListenerThatSpeaksHttpHolds) {
  EXPECT_EQ(with_edge(policy("AccessPolicy", on_section("http"), GetParam().spec)).problems, "");
}

TEST(PolicyReach, AddressListsHoldOnEveryListener) {
  const Outcome out = with_edge(policy("AccessPolicy", kGateway, "deny: [192.0.2.0/24]"));
  ASSERT_EQ(out.problems, "");
  std::size_t guarded = 0;
  for (const model::Port& port : out.compiled.snapshot->ports)
    for (const model::ForwardRule& rule : port.forwards) guarded += rule.access.size();
  EXPECT_EQ(guarded, 2U);
}

TEST(PolicyReach, AListenerSetIsReachedByItsOwnPolicyAndByThatOfItsGateway) {
  const std::string set =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\nmetadata: {name: "
      "more}\nspec:\n  parentRef: {name: edge}\n"
      "  listeners: [{name: mail, protocol: TCP, port: 25}, {name: web, protocol: HTTP, port: "
      "8081}]\n---\n";
  const std::string keys = "apiKeys: {header: X-Key, secretRefs: [{name: keys}]}";
  const auto problems = [&](std::string_view target) {
    return with_edge(set + policy("AccessPolicy", target, keys)).problems;
  };
  EXPECT_NE(problems("{kind: ListenerSet, name: more}")
                .find("cannot guard ListenerSet default/more/mail, which"),
            std::string::npos);
  EXPECT_NE(problems(kGateway).find(fmt::format("{} and 1 more", kAll)), std::string::npos)
      << problems(kGateway);
  EXPECT_EQ(problems("{kind: ListenerSet, name: more, sectionName: web}"), "");
}

TEST(PolicyReach, AConditionOfTheRefusedPolicySaysWhy) {
  const Outcome out = with_edge(
      policy("AccessPolicy", kGateway, "apiKeys: {header: X-Key, secretRefs: [{name: keys}]}"));
  std::size_t seen = 0;
  for (const ObjectStatus& status : out.compiled.statuses) {
    if (status.object != "AccessPolicy default/guard") continue;
    ++seen;
    EXPECT_FALSE(status.conditions.at(0).status);
    EXPECT_NE(status.conditions[0].message.find("apiKeys: cannot guard"), std::string::npos);
  }
  EXPECT_EQ(seen, 1U);
}

TEST(PolicyReach, ALimitOnRequestsIsRefusedWhereThereAreNone) {
  constexpr std::string_view kLimit = "limits: [{name: all, requests: 1}]";
  const Outcome out = with_edge(policy("RateLimit", kGateway, kLimit));
  EXPECT_NE(out.problems.find(fmt::format(
                "RateLimit default/guard: spec.limits: cannot guard {}, {}", kAll, kAdvice)),
            std::string::npos)
      << out.problems;
  EXPECT_FALSE(out.compiled.snapshot);
  EXPECT_EQ(with_edge(policy("RateLimit", on_section("http"), kLimit)).problems, "");
}

std::string traffic(std::string_view targets, std::string_view spec) {
  const Outcome out = with_edge(policy("TrafficPolicy", targets, spec));
  EXPECT_TRUE(out.compiled.snapshot) << out.problems;
  return out.problems;
}

TEST(PolicyReach, ATrafficPolicyForAListenerWarnsOfWhatItCannotUse) {
  const std::string spec =
      "timeouts: {request: 5s, bodyIdle: 5s, tunnelIdle: 5s}\n  compression: {algorithms: [gzip]}";
  const std::string stream = traffic(on_section("raw"), spec),
                    datagram = traffic(on_section("dns"), spec);
  const auto warns = [](const std::string& problems, std::string_view field,
                        std::string_view listener) {
    return problems.find(fmt::format("warning: TrafficPolicy default/guard: spec.{}: has no effect "
                                     "on Gateway default/edge/{}\n",
                                     field, listener)) != std::string::npos;
  };
  for (const char* const field :
       {"timeouts.request", "timeouts.bodyIdle", "compression.algorithms"})
    EXPECT_TRUE(warns(stream, field, "raw")) << field << "\n" << stream;
  EXPECT_FALSE(warns(stream, "timeouts.tunnelIdle", "raw"));
  for (const char* const field :
       {"timeouts.request", "timeouts.tunnelIdle", "compression.algorithms"})
    EXPECT_TRUE(warns(datagram, field, "dns")) << field << "\n" << datagram;
  EXPECT_FALSE(warns(datagram, "timeouts.bodyIdle", "dns"));
}

TEST(PolicyReach, ATrafficPolicyForARouteWarnsOfWhatItCannotUse) {
  EXPECT_NE(traffic("{kind: TCPRoute, name: raw}", "webSocket: false")
                .find("spec.webSocket: has no effect on TCPRoute default/raw\n"),
            std::string::npos);
  EXPECT_EQ(traffic("{kind: UDPRoute, name: dns}", "timeouts: {bodyIdle: 5s}"), "");
}

TEST(PolicyReach, ATrafficPolicyOfAGatewayIsInheritedByThoseThatCanUseIt) {
  EXPECT_EQ(traffic(kGateway,
                    "timeouts: {request: 5s, bodyIdle: 5s, tunnelIdle: 5s}\n  compression: "
                    "{algorithms: [gzip]}\n"
                    "  connection: {idleTimeout: 5s, maxConnections: 9}"),
            "");
}

TEST(PolicyReach, AUdpListenerThatInheritsAGuardItCannotUseIsToldUntilItTurnsItOff) {
  const std::string spec =
      "connection: {proxyProtocolFrom: [192.0.2.0/24], maxConnectionsPerAddress: 5}";
  const std::string told = traffic(kGateway, spec);
  for (const char* const field : {"proxyProtocolFrom", "maxConnectionsPerAddress"})
    EXPECT_NE(told.find(fmt::format(
                  "spec.connection.{}: has no effect on Gateway default/edge/dns: ", field)),
              std::string::npos)
        << told;
  const std::string off =
      "apiVersion: headgate.io/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: known}\nspec:\n  "
      "targetRefs: [" +
      on_section("dns") +
      "]\n  connection: {proxyProtocolFrom: [], maxConnectionsPerAddress: 0}\n---\n";
  EXPECT_EQ(with_edge(off + policy("TrafficPolicy", kGateway, spec)).problems, "");
}

TEST(PolicyReach, EveryFieldOfATrafficPolicyHasAPlace) {
  const Schema& spec = find_field(find_kind("TrafficPolicy")->schema, "spec")->schema;
  for (const Field& field : spec.fields) {
    if (field.name == "targetRefs") continue;
    EXPECT_TRUE(!field.schema.fields.empty() || traffic_field_is_placed(field.name)) << field.name;
    for (const Field& inner : field.schema.fields)
      EXPECT_TRUE(traffic_field_is_placed(fmt::format("{}.{}", field.name, inner.name)))
          << field.name << "." << inner.name;
  }
}

}  // namespace
}  // namespace headgate::config
