#include <gtest/gtest.h>

#include "config/testing/compiled_text.h"

namespace headgate::config {
namespace {

constexpr std::string_view kShop = R"(apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: default}
spec:
  gatewayClassName: headgate
  addresses: [{type: IPAddress, value: 127.0.0.1}]
  listeners:
  - {name: http, protocol: HTTP, port: 8080}
  - {name: https, protocol: HTTPS, port: 8443, hostname: "*.localhost"}
---
apiVersion: headgate.io/v1alpha1
kind: Upstream
metadata: {name: shop, namespace: default}
spec:
  protocol: HTTP
  endpoints: [{address: 127.0.0.1, port: 9000, weight: 1}]
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: default}
spec:
  parentRefs: [{name: edge}]
  hostnames: ["shop.localhost"]
  rules:
  - matches: [{path: {type: PathPrefix, value: /}}]
    backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]
)";

TEST(Compile, TheQuickstartBecomesTwoPortsAndOneRule) {
  const Outcome out = compile_text(kShop);
  ASSERT_EQ(out.problems, "");
  ASSERT_TRUE(out.compiled.snapshot);
  const model::Snapshot& snapshot = *out.compiled.snapshot;
  ASSERT_EQ(snapshot.ports.size(), 2U);
  EXPECT_EQ(snapshot.ports[0].address, "127.0.0.1");
  EXPECT_EQ(snapshot.ports[0].port, 8080);
  EXPECT_EQ(snapshot.ports[0].protocol, model::PortProtocol::kHttp);
  EXPECT_EQ(snapshot.ports[1].protocol, model::PortProtocol::kHttps);
  EXPECT_TRUE(snapshot.ports[1].listeners[0].tls.issue_locally);
  EXPECT_EQ(snapshot.ports[1].listeners[0].hostname, "*.localhost");
  EXPECT_EQ(snapshot.rules, 1U);
  ASSERT_EQ(snapshot.upstreams.size(), 1U);
  EXPECT_EQ(snapshot.upstreams[0]->name, "default/shop");
  EXPECT_EQ(snapshot.upstreams[0]->connect_timeout, 3s);
  const auto& hosts = snapshot.ports[0].listeners[0].routes.exact_hosts;
  ASSERT_EQ(hosts.count("shop.localhost"), 1U);
  const auto& candidate = hosts.find("shop.localhost")->second.prefix.find("/")->second.at(0);
  EXPECT_EQ(candidate.rule->route, "HTTPRoute default/shop");
  EXPECT_EQ(candidate.rule->backends.at(0).upstream, 0U);
  EXPECT_EQ(candidate.rule->weight_sum, 1U);
  EXPECT_EQ(candidate.rule->traffic->timeouts.backend_request, 60s);
}

TEST(Compile, AMisspelledBackendIsAnErrorThatNamesTheNearestUpstream) {
  std::string text(kShop);
  text.replace(text.find("name: shop}]"), 10, "name: shoop");
  const Outcome out = compile_text(text);
  EXPECT_FALSE(out.compiled.snapshot);
  EXPECT_EQ(out.problems,
            "f:26: HTTPRoute default/shop: spec.rules[0].backendRefs[0].name: 'shoop' is not "
            "an Upstream in namespace 'default'; did you mean 'shop'?\n");
}

TEST(Compile, WithLenientReferencesAMissingBackendIsAnInvalidBackend) {
  std::string text(kShop);
  text.replace(text.find("name: shop}]"), 10, "name: shoop");
  CompileOptions options;
  options.lenient_references = true;
  const Outcome out = compile_text(text, options);
  ASSERT_TRUE(out.compiled.snapshot) << out.problems;
  const auto& hosts = out.compiled.snapshot->ports[0].listeners[0].routes.exact_hosts;
  EXPECT_EQ(hosts.find("shop.localhost")
                ->second.prefix.find("/")
                ->second.at(0)
                .rule->backends.at(0)
                .upstream,
            model::Backend::kInvalid);
}

TEST(Compile, AnEmptyConfigurationIsRefused) {
  EXPECT_EQ(compile_text("").problems,
            "expected at least one Gateway: an empty configuration is refused\n");
}

TEST(Compile, AGatewayWithAMistakeIsNotAlsoCalledMissing) {
  const Outcome out = compile_text(
      "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\n"
      "metadata: {name: edge}\nspec: {gatewayClassName: headgate}\n");
  EXPECT_FALSE(out.compiled.snapshot);
  EXPECT_EQ(out.problems.find("empty configuration"), std::string::npos) << out.problems;
}

TEST(Compile, AnAddressOverrideReplacesEveryAddress) {
  CompileOptions options;
  options.address_override = "127.0.0.7";
  const Outcome out = compile_text(kShop, options);
  ASSERT_TRUE(out.compiled.snapshot);
  for (const model::Port& port : out.compiled.snapshot->ports) EXPECT_EQ(port.address, "127.0.0.7");
}

}  // namespace
}  // namespace headgate::config
