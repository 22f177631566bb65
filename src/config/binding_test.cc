// Who may attach to what, and what GRPCRoute and BackendTLSPolicy become.
#include <gtest/gtest.h>

#include "config/testing/compiled_text.h"

namespace headgate::config {
namespace {

constexpr std::string_view kShop = R"(
---
apiVersion: headgate.io/v1alpha1
kind: Upstream
metadata: {name: shop}
spec: {endpoints: [{address: 127.0.0.1, port: 9000}]}
)";

std::string gateway(std::string_view rest) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: edge}\n"
         "spec:\n  gatewayClassName: headgate\n" +
         std::string(rest) + std::string(kShop);
}

std::string team(std::string_view name, std::string_view labels) {
  return "---\napiVersion: v1\nkind: Namespace\nmetadata: {name: " + std::string(name) +
         ", labels: {" + std::string(labels) + "}}\n";
}

// --- ListenerSet

std::string listener_set(std::string_view allowed, std::string_view name_space,
                         std::string_view listeners) {
  return gateway(
             "  listeners: [{name: http, protocol: HTTP, port: 8080, hostname: a.example}]\n  "
             "allowedListeners: {namespaces: " +
             std::string(allowed) + "}\n") +
         "---\napiVersion: gateway.networking.k8s.io/v1\nkind: ListenerSet\nmetadata: {name: more, "
         "namespace: " +
         std::string(name_space) + "}\nspec:\n  parentRef: {name: edge, namespace: default}\n" +
         "  listeners: [" + std::string(listeners) + "]\n";
}
constexpr std::string_view kMore = "{name: more, protocol: HTTP, port: 8081, hostname: b.example}";

TEST(ListenerSet, AddsListenersToTheGatewayThatLetsItIn) {
  for (const char* const allowed : {"{from: All}", "{from: Same}"}) {
    const Outcome out = compile_text(listener_set(allowed, "default", kMore));
    ASSERT_EQ(out.problems, "") << allowed;
    const auto& ports = out.compiled.snapshot->ports;
    ASSERT_EQ(ports.size(), 2U);
    EXPECT_EQ(ports[1].port, 8081);
    EXPECT_EQ(ports[1].listeners.at(0).name, "ListenerSet default/more/more");
  }
}

TEST(ListenerSet, OfANamespaceThatIsNotLetInIsRefused) {
  const std::string refused =
      "expected spec.allowedListeners of Gateway default/edge to let in namespace 'shop'";
  for (const char* const allowed : {"{from: None}", "{from: Same}", "{}"})
    EXPECT_NE(compile_text(listener_set(allowed, "shop", kMore)).problems.find(refused),
              std::string::npos)
        << allowed;
  const std::string chosen =
      listener_set("{from: Selector, selector: {matchLabels: {edge: public}}}", "shop", kMore);
  EXPECT_NE(compile_text(chosen).problems.find(refused), std::string::npos);
  EXPECT_EQ(compile_text(chosen + team("shop", "edge: public")).problems, "");
  EXPECT_NE(compile_text(chosen + team("shop", "edge: private")).problems.find(refused),
            std::string::npos);
}

TEST(ListenerSet, OnThePortOfItsGatewaySharesIt) {
  const Outcome out = compile_text(listener_set(
      "{from: All}", "shop", "{name: more, protocol: HTTP, port: 8080, hostname: b.example}"));
  ASSERT_EQ(out.problems, "");
  ASSERT_EQ(out.compiled.snapshot->ports.size(), 1U);
  EXPECT_EQ(out.compiled.snapshot->ports[0].listeners.size(), 2U);
}

TEST(ListenerSet, CannotTakeTheHostNameOfItsGateway) {
  const Outcome out = compile_text(listener_set(
      "{from: All}", "shop", "{name: more, protocol: HTTP, port: 8080, hostname: a.example}"));
  EXPECT_NE(out.problems.find("ListenerSet shop/more: spec.listeners[0]"), std::string::npos)
      << out.problems;
  EXPECT_FALSE(out.compiled.snapshot);
}

TEST(ListenerSet, IsAParentOfItsOwn) {
  const Outcome out = compile_text(listener_set("{from: All}", "default", kMore) + R"(
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop}
spec:
  parentRefs: [{kind: ListenerSet, name: more}]
  rules: [{backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]}]
)");
  ASSERT_EQ(out.problems, "");
  const auto& ports = out.compiled.snapshot->ports;
  EXPECT_TRUE(ports[0].listeners.at(0).routes.exact_hosts.empty());
  EXPECT_EQ(ports[1].listeners.at(0).routes.exact_hosts.count("b.example"), 1U);
}

// --- namespace selectors

std::string selected(std::string_view selector, std::string_view teams) {
  return gateway(
             "  listeners:\n  - {name: http, protocol: HTTP, port: 8080, allowedRoutes: "
             "{namespaces: {from: Selector, selector: " +
             std::string(selector) + "}}}\n") +
         R"(---
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: web}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: web}]
  to: [{group: headgate.io, kind: Upstream}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: web, namespace: web}
spec:
  parentRefs: [{name: edge, namespace: default}]
  rules: [{backendRefs: [{group: headgate.io, kind: Upstream, name: shop, namespace: default}]}]
)" + std::string(teams);
}

TEST(NamespaceSelector, LetsInWhoseLabelsMatch) {
  struct Case {
    const char *selector, *labels;
    bool lets_in;
  };
  const Case cases[] = {
      {"{matchLabels: {edge: public}}", "edge: public", true},
      {"{matchLabels: {edge: public}}", "edge: private", false},
      {"{matchLabels: {edge: public}}", "", false},
      {"{matchLabels: {edge: ''}}", "", false},
      {"{matchLabels: {edge: ''}}", "edge: ''", true},
      {"{matchLabels: {a: x, b: y}}", "a: x, b: y, c: z", true},
      {"{matchLabels: {a: x, b: y}}", "a: x", false},
      {"{matchLabels: {kubernetes.io/metadata.name: web}}", "", true},
      {"{matchLabels: {kubernetes.io/metadata.name: other}}", "", false},
      {"{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", "a: y", true},
      {"{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", "a: z", false},
      {"{matchExpressions: [{key: a, operator: In, values: [x, y]}]}", "", false},
      {"{matchExpressions: [{key: a, operator: NotIn, values: [x]}]}", "a: x", false},
      {"{matchExpressions: [{key: a, operator: NotIn, values: [x]}]}", "a: y", true},
      {"{matchExpressions: [{key: a, operator: NotIn, values: [x]}]}", "", true},
      {"{matchExpressions: [{key: a, operator: Exists}]}", "a: x", true},
      {"{matchExpressions: [{key: a, operator: Exists}]}", "", false},
      {"{matchExpressions: [{key: a, operator: DoesNotExist}]}", "a: x", false},
      {"{matchExpressions: [{key: a, operator: DoesNotExist}]}", "", true},
      {"{matchLabels: {a: x}, matchExpressions: [{key: b, operator: Exists}]}", "a: x", false},
      {"{matchLabels: {a: x}, matchExpressions: [{key: b, operator: Exists}]}", "a: x, b: y", true},
  };
  for (const Case& one : cases) {
    const Outcome out = compile_text(selected(one.selector, team("web", one.labels)));
    EXPECT_EQ(out.problems.empty(), one.lets_in) << one.selector << " {" << one.labels << "}\n"
                                                 << out.problems;
  }
}

TEST(NamespaceSelector, ANamespaceWithoutAnObjectHasNoLabelsButItsName) {
  EXPECT_NE(compile_text(selected("{matchLabels: {edge: public}}", "")).problems, "");
  EXPECT_EQ(
      compile_text(selected("{matchLabels: {kubernetes.io/metadata.name: web}}", "")).problems, "");
}

// --- GRPCRoute

const model::Match* only_match(const Outcome& out) {
  const auto& hosts = out.compiled.snapshot->ports.at(0).listeners.at(0).routes.exact_hosts;
  const model::PathTable& paths = hosts.find("a.example")->second;
  for (const auto* table : {&paths.exact, &paths.prefix})
    for (const auto& [path, candidates] : *table) return &candidates.at(0).match;
  return &paths.regex.at(0).match;
}

Outcome grpc(std::string_view match) {
  return compile_text(
      gateway("  listeners: [{name: http, protocol: HTTP, port: 8080, hostname: a.example}]\n") +
      R"(---
apiVersion: gateway.networking.k8s.io/v1
kind: GRPCRoute
metadata: {name: cart}
spec:
  parentRefs: [{name: edge}]
  rules:
  - backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]
    matches: [)" +
      std::string(match) + "]\n");
}

TEST(GrpcRoute, ServiceAndMethodBecomeThePathOfTheCall) {
  using Kind = model::PathMatch::Kind;
  struct Case {
    const char* match;
    Kind kind;
    const char* path;
  };
  const Case cases[] = {
      {"{method: {service: shop.Cart, method: Get}}", Kind::kExact, "/shop.Cart/Get"},
      {"{method: {service: shop.Cart}}", Kind::kPrefix, "/shop.Cart"},
      {"{method: {method: Get}}", Kind::kRegex, "/(?:[^/]+)/(?:Get)"},
      {"{method: {type: RegularExpression, service: 'shop\\..*', method: 'Get|List'}}",
       Kind::kRegex, "/(?:shop\\..*)/(?:Get|List)"},
      {"{headers: [{name: X-Id, value: a}]}", Kind::kPrefix, "/"},
  };
  for (const Case& one : cases) {
    const Outcome out = grpc(one.match);
    ASSERT_EQ(out.problems, "") << one.match;
    const model::Match& match = *only_match(out);
    EXPECT_EQ(match.path.kind, one.kind) << one.match;
    EXPECT_EQ(match.path.value, one.path);
    EXPECT_EQ(match.path.regex != nullptr, one.kind == Kind::kRegex);
  }
  const Outcome with_header = grpc("{headers: [{name: X-Id, value: a}]}");
  EXPECT_EQ(only_match(with_header)->headers.at(0).name, "x-id");
}

TEST(GrpcRoute, AnExpressionCannotLeaveItsSegment) {
  const Outcome out = grpc("{method: {type: RegularExpression, service: 'a)|(.*', method: b}}");
  EXPECT_NE(out.problems.find("spec.rules[0].matches[0].method"), std::string::npos)
      << out.problems;
}

TEST(GrpcRoute, AMethodWithoutServiceOrNameIsAnError) {
  EXPECT_NE(grpc("{method: {}}").problems.find("spec.rules[0].matches[0].method"),
            std::string::npos);
}

// --- BackendTLSPolicy

std::string tls_policy(std::string_view name, std::string_view target,
                       std::string_view validation) {
  return "---\napiVersion: gateway.networking.k8s.io/v1\nkind: BackendTLSPolicy\nmetadata: "
         "{name: " +
         std::string(name) + "}\nspec:\n  targetRefs: [" + std::string(target) +
         "]\n  validation: " + std::string(validation) + "\n";
}
constexpr std::string_view kTarget = "{group: headgate.io, kind: Upstream, name: shop}";
constexpr std::string_view kSystem = "{hostname: shop.example, wellKnownCACertificates: System}";
const std::string kEdge = gateway("  listeners: [{name: http, protocol: HTTP, port: 8080}]\n");

TEST(BackendTlsPolicy, TurnsOnTlsWithTheNameToVerify) {
  const Outcome out = compile_text(
      kEdge + tls_policy("tls", kTarget,
                         "{hostname: shop.example, wellKnownCACertificates: System, "
                         "subjectAltNames: [{type: Hostname, hostname: a.example}, {type: URI, "
                         "uri: 'spiffe://shop/cart'}]}"));
  ASSERT_EQ(out.problems, "");
  const model::Upstream& upstream = *out.compiled.snapshot->upstreams.at(0);
  EXPECT_EQ(upstream.protocol, model::UpstreamProtocol::kHttps);
  EXPECT_TRUE(upstream.tls.enabled);
  EXPECT_EQ(upstream.tls.server_name, "shop.example");
  EXPECT_EQ(upstream.tls.subject_alt_names,
            (std::vector<std::string>{"a.example", "spiffe://shop/cart"}));
  EXPECT_EQ(upstream.tls.ca_pem, "");
  EXPECT_NE(upstream.fingerprint, compile_text(kEdge).compiled.snapshot->upstreams[0]->fingerprint);
}

TEST(BackendTlsPolicy, OfAnotherTargetOrWithoutItIsAnError) {
  EXPECT_NE(compile_text(kEdge + tls_policy("tls", "{kind: Service, name: shop}", kSystem))
                .problems.find("expected group headgate.io and kind Upstream"),
            std::string::npos);
  EXPECT_NE(
      compile_text(kEdge +
                   tls_policy("tls", "{group: headgate.io, kind: Upstream, name: shpo}", kSystem))
          .problems.find("'shpo' is not an Upstream in namespace 'default'; did you mean 'shop'?"),
      std::string::npos);
}

TEST(BackendTlsPolicy, WhoseTrustAnchorsAreMissingOrNoneIsAnError) {
  const std::string policy = tls_policy(
      "tls", kTarget, "{hostname: shop.example, caCertificateRefs: [{kind: ConfigMap, name: ca}]}");
  EXPECT_NE(compile_text(kEdge + policy).problems.find("'ca' is not a ConfigMap"),
            std::string::npos);
  const std::string map =
      "---\napiVersion: v1\nkind: ConfigMap\nmetadata: {name: ca}\ndata: {ca.crt: nonsense}\n";
  EXPECT_NE(compile_text(kEdge + policy + map).problems.find("ConfigMap default/ca: ca.crt: "),
            std::string::npos);
}

TEST(BackendTlsPolicy, OfTwoForOneUpstreamTheFirstByNameIsUsed) {
  const Outcome out = compile_text(
      kEdge + tls_policy("b", kTarget, "{hostname: b.example, wellKnownCACertificates: System}") +
      tls_policy("a", kTarget, "{hostname: a.example, wellKnownCACertificates: System}"));
  ASSERT_TRUE(out.compiled.snapshot) << out.problems;
  EXPECT_EQ(out.compiled.snapshot->upstreams.at(0)->tls.server_name, "a.example");
  EXPECT_NE(out.problems.find("BackendTLSPolicy default/a came before"), std::string::npos);
}

// --- many mistakes at once

TEST(Suggestions, AreGivenForTheFirstHundredProblemsAlone) {
  std::string text = kEdge;
  for (int i = 0; i < 150; ++i)
    text += "---\napiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r" +
            std::to_string(i) +
            "}\nspec: {parentRefs: [{name: edge}], rules: [{backendRefs: [{group: headgate.io, "
            "kind: Upstream, name: shpo}]}]}\n";
  const Outcome out = compile_text(text);
  std::size_t suggested = 0;
  for (const Problem& problem : out.compiled.problems.all())
    suggested += problem.suggestion == "shop";
  EXPECT_EQ(out.compiled.problems.errors(), 150U);
  EXPECT_EQ(suggested, 100U);
}

}  // namespace
}  // namespace headgate::config
