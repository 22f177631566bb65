#include "config/schema.h"

#include <gtest/gtest.h>

#include "config/config.h"

namespace headgate::config {
namespace {

struct Case {
  const char* yaml;
  const char* problems;
};

std::string problems_of(std::string_view text) {
  const Loaded loaded = load_text(text, "f");
  std::string out;
  for (const Problem& problem : loaded.problems.all()) out += to_string(problem) + "\n";
  return out;
}

std::string upstream(std::string_view spec) {
  return "apiVersion: headgate.io/v1alpha1\nkind: Upstream\nmetadata: {name: u}\nspec:\n" +
         std::string(spec);
}
std::string http_route(std::string_view spec) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: HTTPRoute\nmetadata: {name: r}\nspec:\n" +
         std::string(spec);
}
std::string gateway(std::string_view listeners) {
  return "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: g}\nspec:\n  "
         "gatewayClassName: headgate\n  listeners:\n" +
         std::string(listeners);
}

TEST(Schema, SaysWhatIsWrongWithAnEnvelope) {
  const Case cases[] = {
      {"just text", "f:1: expected a resource: a map with apiVersion, kind and metadata\n"},
      {"kind: Upstream", "f:1: apiVersion: required, but missing\n"},
      {"apiVersion: headgate.io/v1alpha1\nkind: Upstrem",
       "f:2: kind: unknown kind 'Upstrem'; did you mean 'Upstream'?\n"},
      {"apiVersion: headgate.io/v1\nkind: Upstream",
       "f:1: apiVersion: expected the API version of Upstream, got 'headgate.io/v1'; did you mean "
       "'headgate.io/v1alpha1'?\n"},
      {"apiVersion: v1\nkind: Namespace\nmetadata: {name: Shop}",
       "f:3: Namespace Shop: metadata.name: expected a name of lower-case letters, digits, '-' and "
       "'.', got 'Shop'\n"},
      {"apiVersion: v1\nkind: Namespace\nmetadata: {}",
       "f:3: Namespace : metadata.name: required, but missing\n"},
      {"apiVersion: v1\nkind: List\nitems: 3", "f:3: items: expected a list of resources\n"},
  };
  for (const Case& one : cases) EXPECT_EQ(problems_of(one.yaml), one.problems);
}

TEST(Schema, SaysWhatIsWrongWithAnUpstream) {
  const Case cases[] = {
      {"  protocl: HTTP\n  endpoints: [{address: a, port: 1}]",
       "f:5: Upstream default/u: spec.protocl: unknown field; did you mean 'protocol'?\n"},
      {"  protocol: http\n  endpoints: [{address: a, port: 1}]",
       "f:5: Upstream default/u: spec.protocol: expected one of HTTP, HTTP2, HTTPS, got 'http'; "
       "did you mean 'HTTP'?\n"},
      {"  endpoints: []",
       "f:5: Upstream default/u: spec.endpoints: expected at least 1 item, got 0\n"},
      {"  endpoints: [{address: a, port: 65536}]",
       "f:5: Upstream default/u: spec.endpoints[0].port: expected a whole number from 1 to 65535, "
       "got '65536'\n"},
      {"  endpoints: [{address: a, port: 0777}]",
       "f:5: Upstream default/u: spec.endpoints[0].port: expected a whole number from 1 to 65535, "
       "got '0777'\n"},
      {"  endpoints: [{address: a, port: '80'}]",
       "f:5: Upstream default/u: spec.endpoints[0].port: expected a whole number from 1 to 65535, "
       "got '80'\n"},
      {"  endpoints: [{address: 10.0.0.256, port: 80}]",
       "f:5: Upstream default/u: spec.endpoints[0].address: expected an IP address, a DNS name, or "
       "unix:/absolute/path, got '10.0.0.256'\n"},
      {"  endpoints: [{address: a}]",
       "f:5: Upstream default/u: spec.endpoints[0].port: required, but missing\n"},
      {"  endpoints: [{address: 'unix:/run/a', port: 80}]",
       "f:5: Upstream default/u: spec.endpoints[0].port: not allowed for a Unix socket\n"},
      {"  connectTimeout: 3\n  endpoints: [{address: a, port: 1}]",
       "f:5: Upstream default/u: spec.connectTimeout: expected a duration such as 250ms, 10s or "
       "1h30m, got '3'\n"},
      {"  connectTimeout: 6m\n  endpoints: [{address: a, port: 1}]",
       "f:5: Upstream default/u: spec.connectTimeout: expected a duration from 1ms to 5m, got "
       "'6m'\n"},
      {"  endpoints: [{address: a, port: 1, weight: 0}]",
       "f:5: Upstream default/u: spec.endpoints: expected an endpoint with a weight above 0\n"},
      {"  loadBalancing: {policy: Maglev, boundedLoadFactor: 0.5}\n  endpoints: [{address: a, "
       "port: 1}]",
       "f:5: Upstream default/u: spec.loadBalancing.boundedLoadFactor: expected 0 or a number "
       "above 1, got 0.5\n"},
      {"  loadBalancing: {localityAware: on}\n  endpoints: [{address: a, port: 1}]",
       "f:5: Upstream default/u: spec.loadBalancing.localityAware: expected true or false, got "
       "'on'\n"},
      {"  tls: {serverName: a.b}\n  endpoints: [{address: a, port: 1}]",
       "f:5: Upstream default/u: spec.tls: expected protocol HTTPS beside it, got HTTP\n"},
  };
  for (const Case& one : cases) EXPECT_EQ(problems_of(upstream(one.yaml)), one.problems);
}

TEST(Schema, SaysWhatIsWrongWithAnHttpRoute) {
  const Case cases[] = {
      {"  rules:\n  - matches:\n    - path: {type: Prefix, value: /}",
       "f:7: HTTPRoute default/r: spec.rules[0].matches[0].path.type: expected one of Exact, "
       "PathPrefix, RegularExpression, got 'Prefix'; did you mean 'PathPrefix'?\n"},
      {"  rules:\n  - matches: [{path: {value: a}}]",
       "f:6: HTTPRoute default/r: spec.rules[0].matches[0].path.value: expected a path that begins "
       "with '/', got 'a'\n"},
      {"  rules:\n  - matches: [{path: {value: /a//b}}]",
       "f:6: HTTPRoute default/r: spec.rules[0].matches[0].path.value: expected a path without //, "
       "/./, /../, %2F and #, got '/a//b'\n"},
      {"  rules:\n  - matches: [{headers: [{name: 'a b', value: c}]}]",
       "f:6: HTTPRoute default/r: spec.rules[0].matches[0].headers[0].name: expected a header "
       "name: letters, digits and !#$%&'*+-.^_`|~, got 'a b'\n"},
      {"  rules:\n  - filters: [{type: RequestRedirect, requestRedirect: {scheme: https}}]\n    "
       "backendRefs: [{name: a}]",
       "f:7: HTTPRoute default/r: spec.rules[0].backendRefs: expected none beside filter "
       "RequestRedirect\n"},
      {"  rules:\n  - filters: [{type: URLRewrite}]",
       "f:6: HTTPRoute default/r: spec.rules[0].filters[0].urlRewrite: required for type "
       "URLRewrite\n"},
      {"  rules:\n  - filters: [{type: CORS, cors: {}, urlRewrite: {}}]",
       "f:6: HTTPRoute default/r: spec.rules[0].filters[0].urlRewrite: not allowed for type "
       "CORS\n"},
      {"  rules:\n  - filters:\n    - {type: CORS, cors: {}}\n    - {type: CORS, cors: {}}",
       "f:8: HTTPRoute default/r: spec.rules[0].filters[1]: expected filter CORS at most once\n"},
      {"  rules:\n  - matches: [{path: {type: Exact, value: /a}}]\n    filters: [{type: "
       "URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /}}}]",
       "f:7: HTTPRoute default/r: spec.rules[0].filters: expected exactly one match, of path type "
       "PathPrefix, beside a ReplacePrefixMatch\n"},
      {"  rules:\n  - timeouts: {request: 1s, backendRequest: 2s}",
       "f:6: HTTPRoute default/r: spec.rules[0].timeouts.backendRequest: expected at most the "
       "request timeout, 1s\n"},
      {"  rules:\n  - {name: a}\n  - {name: a}",
       "f:7: HTTPRoute default/r: spec.rules[1].name: expected a name that no other rule has, got "
       "'a'\n"},
      {"  hostnames: [Shop.example]",
       "f:5: HTTPRoute default/r: spec.hostnames[0]: expected a host name in lower case without "
       "port, or '*.' and one, got 'Shop.example'\n"},
      {"  hostnames: [10.0.0.1]",
       "f:5: HTTPRoute default/r: spec.hostnames[0]: expected a host name in lower case without "
       "port, or '*.' and one, got '10.0.0.1'\n"},
      {"  rules: []", "f:5: HTTPRoute default/r: spec.rules: expected at least 1 item, got 0\n"},
  };
  for (const Case& one : cases) EXPECT_EQ(problems_of(http_route(one.yaml)), one.problems);
}

TEST(Schema, SaysWhatIsWrongWithAGateway) {
  const Case cases[] = {
      {"  - {name: a, protocol: HTTPS, port: 1, tls: {mode: Passthrough}}",
       "f:7: Gateway default/g: spec.listeners[0].tls.mode: expected Terminate for protocol HTTPS; "
       "did you mean 'Terminate'?\n"},
      {"  - {name: a, protocol: HTTP, port: 1}\n  - {name: b, protocol: HTTP, port: 1}",
       "f:8: Gateway default/g: spec.listeners[1]: expected listeners that differ in port, "
       "protocol or hostname\n"},
      {"  - {name: a, protocol: HTTP, port: 1}\n  - {name: a, protocol: HTTP, port: 2}",
       "f:8: Gateway default/g: spec.listeners[1]: expected items that differ in name\n"},
      {"  - {name: a, protocol: TCP, port: 1, hostname: a.b}",
       "f:7: Gateway default/g: spec.listeners[0].hostname: not allowed for protocol TCP\n"},
  };
  for (const Case& one : cases) EXPECT_EQ(problems_of(gateway(one.yaml)), one.problems);
}

TEST(Schema, EveryProblemIsToldAtOnce) {
  const std::string told =
      problems_of(upstream("  protocol: X\n  endpoints: [{address: '', port: 0}, {weight: -1}]\n  "
                           "limits: {maxPending: x}"));
  EXPECT_EQ(std::count(told.begin(), told.end(), '\n'), 6) << told;
}

TEST(Schema, ASecretIsNeverRepeatedInAProblem) {
  const std::string told = problems_of(
      "apiVersion: v1\nkind: Secret\nmetadata: {name: s}\ndata: {key: 'hunter2!'}\nstringData: "
      "{other: [hunter2]}");
  EXPECT_NE(told, "");
  EXPECT_EQ(told.find("hunter2"), std::string::npos) << told;
}

TEST(Schema, TwoObjectsOfOneNameAreReportedWithBothPlaces) {
  const std::string one = upstream("  endpoints: [{address: a, port: 1}]\n");
  EXPECT_EQ(problems_of(one + "---\n" + one),
            "f:7: Upstream default/u: expected one object of this kind and name; it also stands in "
            "f:1\n");
}

TEST(Schema, AListHoldsSeveralObjectsWithTheirOwnLines) {
  EXPECT_EQ(
      problems_of(
          "apiVersion: v1\nkind: List\nitems:\n- apiVersion: v1\n  kind: Namespace\n  metadata: "
          "{name: a}\n- apiVersion: v1\n  kind: Namespace\n  metadata: {name: A}\n"),
      "f:9: Namespace A: metadata.name: expected a name of lower-case letters, digits, '-' and "
      "'.', got 'A'\n");
}

TEST(Schema, TextFieldsKeepWhatYamlWouldGuess) {
  const Loaded loaded = load_text(
      "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata: {a: 0777, b: on, c: 1e3, d: "
      "true, e: 1.10}",
      "f");
  ASSERT_EQ(loaded.problems.errors(), 0U);
  const Json& data = loaded.objects[0]->value->at("data");
  EXPECT_EQ(data["a"], "0777");
  EXPECT_EQ(data["b"], "on");
  EXPECT_EQ(data["c"], "1e3");
  EXPECT_EQ(data["d"], "true");
  EXPECT_EQ(data["e"], "1.10");
}

}  // namespace
}  // namespace headgate::config
