// What a CachePolicy makes of rules, and what is refused in one.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>

#include "config/testing/compiled_text.h"

namespace headgate::config {
namespace {

constexpr std::string_view kGateway = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: headgate
  listeners:
  - {name: http, protocol: HTTP, port: 8080}
  - {name: other, protocol: HTTP, port: 8081}
  - {name: raw, protocol: TCP, port: 8082}
---
)";

std::string edge() {
  return std::string(kGateway) + upstream_at("shop", 9000) + upstream_at("next", 9001);
}
constexpr std::string_view kPages =
    "{name: pages, backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]}";
std::string edge_and_route() { return edge() + shop_route(kPages); }

Outcome with_edge(const std::string& text) { return compile_text(edge_and_route() + text); }

std::string policy(std::string_view name, std::string_view target, std::string_view spec = {}) {
  return fmt::format(
      "apiVersion: headgate.io/v1alpha1\nkind: CachePolicy\nmetadata: {{name: {}}}\nspec:\n  "
      "targetRefs: [{{{}}}]\n  {}\n---\n",
      name, target, spec);
}
constexpr std::string_view kOnRoute = "kind: HTTPRoute, name: shop",
                           kOnRule = "kind: HTTPRoute, name: shop, sectionName: pages",
                           kOnGateway = "kind: Gateway, name: edge",
                           kOnListener = "kind: Gateway, name: edge, sectionName: other";

std::string name_on(const Outcome& out, std::size_t port) {
  const auto& cache = rule_on(out, port).cache;
  return cache ? cache->name : "none";
}
std::shared_ptr<const model::CachePolicy> compiled(std::string_view spec) {
  const Outcome out = with_edge(policy("p", kOnRoute, spec));
  EXPECT_EQ(out.problems, "") << spec;
  return out.problems.empty() ? rule_on(out, 0).cache : nullptr;
}

TEST(CachePolicy, WithoutOneNothingIsCached) {
  const Outcome out = with_edge("");
  ASSERT_EQ(out.problems, "");
  EXPECT_EQ(name_on(out, 0), "none");
}

TEST(CachePolicy, WithATargetAloneItSaysWhatTheModelsDefaultsSay) {
  const auto made = compiled("");
  ASSERT_TRUE(made);
  const model::CachePolicy usual;
  EXPECT_EQ(made->name, "default/p");
  EXPECT_EQ(made->key.query, usual.key.query);
  EXPECT_EQ(made->key.query_names, usual.key.query_names);
  EXPECT_EQ(made->key.query_sorted, usual.key.query_sorted);
  EXPECT_EQ(made->key.headers, usual.key.headers);
  EXPECT_EQ(made->key.cookies, usual.key.cookies);
  EXPECT_EQ(made->key.device_class, usual.key.device_class);
  EXPECT_EQ(made->ttl.seconds_min, usual.ttl.seconds_min);
  EXPECT_EQ(made->ttl.seconds_max, usual.ttl.seconds_max);
  EXPECT_TRUE(made->ttl.by_status.empty());
  EXPECT_EQ(made->ttl.otherwise, usual.ttl.otherwise);
  EXPECT_EQ(made->ttl.heuristic_permille, usual.ttl.heuristic_permille);
  EXPECT_EQ(made->ttl.heuristic_seconds_max, usual.ttl.heuristic_seconds_max);
  EXPECT_EQ(made->ttl.stale_while_revalidate, usual.ttl.stale_while_revalidate);
  EXPECT_EQ(made->ttl.stale_if_error, usual.ttl.stale_if_error);
  EXPECT_EQ(made->ttl.stale_despite_s_maxage, usual.ttl.stale_despite_s_maxage);
  EXPECT_TRUE(made->bypass.headers.empty() && made->bypass.cookies.empty() &&
              made->bypass.query.empty());
  EXPECT_EQ(made->honour_request_directives, usual.honour_request_directives);
  EXPECT_EQ(made->targeted_fields, usual.targeted_fields);
  EXPECT_EQ(made->surrogate_control, usual.surrogate_control);
  EXPECT_EQ(made->set_cookie, usual.set_cookie);
  EXPECT_EQ(made->heuristics_with_cookies, usual.heuristics_with_cookies);
  EXPECT_EQ(made->tag_headers, usual.tag_headers);
  EXPECT_EQ(made->object_bytes_max, usual.object_bytes_max);
  EXPECT_EQ(made->admission, usual.admission);
  EXPECT_EQ(made->key_in_cache_status, usual.key_in_cache_status);
}

TEST(CachePolicy, EveryPartOfTheKeyReachesTheModel) {
  using Query = model::CacheKeyPolicy::Query;
  const auto made = compiled(
      "key: {query: {mode: Except, names: ['utm_*', Fbclid], sorted: true}, headers: [X-Country], "
      "cookies: [Lang], deviceClass: true}");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->key.query, Query::kExcept);
  EXPECT_EQ(made->key.query_names, (std::vector<std::string>{"utm_*", "Fbclid"}));
  EXPECT_TRUE(made->key.query_sorted);
  EXPECT_EQ(made->key.headers, std::vector<std::string>{"x-country"});
  EXPECT_EQ(made->key.cookies, std::vector<std::string>{"Lang"});
  EXPECT_TRUE(made->key.device_class);
  EXPECT_EQ(compiled("key: {query: {mode: None}}")->key.query, Query::kNone);
  EXPECT_EQ(compiled("key: {query: {mode: Only, names: [page]}}")->key.query, Query::kOnly);
}

TEST(CachePolicy, EveryLifetimeReachesTheModelInSeconds) {
  const auto made = compiled(
      "ttl: {min: 1m, max: 1h, byStatus: [{status: 404, ttl: 90s}, {status: 503, ttl: 1m}], "
      "default: 2m, heuristicPercent: 12.5, heuristicMax: 30m, staleWhileRevalidate: 10s, "
      "staleIfError: 1h30m, staleDespiteSMaxage: true}");
  ASSERT_TRUE(made);
  EXPECT_EQ(made->ttl.seconds_min, 60U);
  EXPECT_EQ(made->ttl.seconds_max, 3600U);
  ASSERT_EQ(made->ttl.by_status.size(), 2U);
  EXPECT_EQ(made->ttl.by_status[0].status, 404);
  EXPECT_EQ(made->ttl.by_status[0].seconds, 90U);
  EXPECT_EQ(made->ttl.by_status[1].status, 503);
  EXPECT_EQ(made->ttl.otherwise, 120U);
  EXPECT_EQ(made->ttl.heuristic_permille, 125U);
  EXPECT_EQ(made->ttl.heuristic_seconds_max, 1800U);
  EXPECT_EQ(made->ttl.stale_while_revalidate, 10U);
  EXPECT_EQ(made->ttl.stale_if_error, 5400U);
  EXPECT_TRUE(made->ttl.stale_despite_s_maxage);
  EXPECT_EQ(compiled("ttl: {max: 99999h}")->ttl.seconds_max, 359'996'400U);
}

TEST(CachePolicy, EverythingElseReachesTheModel) {
  using Model = model::CachePolicy;
  const auto made = compiled(
      "bypass: {headers: [{name: X-Preview}, {name: X-Mode, value: Edit}], cookies: [session], "
      "query: [preview]}\n  honourRequestDirectives: false\n  targetedFields: "
      "[Edge-Cache-Control]\n  surrogateControl: true\n  setCookie: Strip\n  "
      "heuristicsWithCookies: true\n  tagHeaders: [X-Tags]\n  maxObjectBytes: 1000\n  admission: "
      "SecondRequest\n  keyInCacheStatus: true");
  ASSERT_TRUE(made);
  ASSERT_EQ(made->bypass.headers.size(), 2U);
  EXPECT_EQ(made->bypass.headers[0].name, "x-preview");
  EXPECT_FALSE(made->bypass.headers[0].value);
  EXPECT_EQ(made->bypass.headers[1].value, "Edit");
  EXPECT_EQ(made->bypass.cookies, std::vector<std::string>{"session"});
  EXPECT_EQ(made->bypass.query, std::vector<std::string>{"preview"});
  EXPECT_FALSE(made->honour_request_directives);
  EXPECT_EQ(made->targeted_fields, std::vector<std::string>{"edge-cache-control"});
  EXPECT_TRUE(made->surrogate_control);
  EXPECT_EQ(made->set_cookie, Model::SetCookie::kStrip);
  EXPECT_TRUE(made->heuristics_with_cookies);
  EXPECT_EQ(made->tag_headers, std::vector<std::string>{"x-tags"});
  EXPECT_EQ(made->object_bytes_max, 1000U);
  EXPECT_EQ(made->admission, Model::Admission::kSecondRequest);
  EXPECT_TRUE(made->key_in_cache_status);
  EXPECT_EQ(compiled("setCookie: Keep")->set_cookie, Model::SetCookie::kKeep);
  EXPECT_TRUE(compiled("tagHeaders: []\n  targetedFields: []")->tag_headers.empty());
}

TEST(CachePolicy, AShieldIsAnUpstreamOfTheSnapshot) {
  const Outcome out = with_edge(
      policy("p", kOnRoute, "shield: {upstream: {name: next}, pseudonym: edges.example}"));
  ASSERT_EQ(out.problems, "");
  const auto& shield = rule_on(out, 0).cache->shield;
  ASSERT_TRUE(shield);
  EXPECT_EQ(out.compiled.snapshot->upstreams.at(shield->upstream)->name, "default/next");
  EXPECT_EQ(shield->upstream_name, "default/next");
  EXPECT_EQ(shield->pseudonym, "edges.example");
  EXPECT_EQ(compiled("shield: {upstream: {name: next}}")->shield->pseudonym, "headgate");
  EXPECT_FALSE(compiled("")->shield);
}

TEST(CachePolicy, AShieldThatIsNotThereIsAnErrorAndWithLenientReferencesLeftOut) {
  const std::string text =
      edge_and_route() + policy("p", kOnRoute, "shield: {upstream: {name: nxt}}");
  EXPECT_NE(compile_text(text).problems.find(
                "CachePolicy default/p: spec.shield.upstream.name: 'nxt' is not an Upstream in "
                "namespace 'default'; did you mean 'next'?"),
            std::string::npos);
  CompileOptions lenient;
  lenient.lenient_references = true;
  const Outcome out = compile_text(text, lenient);
  ASSERT_TRUE(out.compiled.snapshot) << out.problems;
  ASSERT_TRUE(rule_on(out, 0).cache);
  EXPECT_FALSE(rule_on(out, 0).cache->shield);
}

TEST(CachePolicy, AShieldInAnotherNamespaceNeedsItsConsent) {
  EXPECT_NE(
      with_edge(policy("p", kOnRoute, "shield: {upstream: {name: parents, namespace: web}}"))
          .problems.find("spec.shield.upstream.name: expected a ReferenceGrant in namespace "
                         "'web' that lets CachePolicy of namespace 'default' refer to Upstream "
                         "'parents'"),
      std::string::npos);
}

TEST(CachePolicy, TheNearestOneHoldsAsAWhole) {
  const std::string gateway = policy("gateway", kOnGateway, "ttl: {max: 7s}"),
                    listener = policy("listener", kOnListener, "setCookie: Keep"),
                    route = policy("route", kOnRoute), rule = policy("rule", kOnRule);
  const Outcome outer = with_edge(gateway + listener);
  ASSERT_EQ(outer.problems, "");
  EXPECT_EQ(name_on(outer, 0), "default/gateway");
  EXPECT_EQ(name_on(outer, 1), "default/listener");
  EXPECT_EQ(rule_on(outer, 0).cache->ttl.seconds_max, 7U);
  EXPECT_EQ(rule_on(outer, 1).cache->ttl.seconds_max, 0xffffffffU) << "fields are not merged";
  EXPECT_EQ(name_on(with_edge(gateway + listener + route), 1), "default/route");
  EXPECT_EQ(name_on(with_edge(gateway + listener + route + rule), 1), "default/rule");
}

TEST(CachePolicy, ThatIsTurnedOffTurnsOffWhatIsFurtherOut) {
  const Outcome out =
      with_edge(policy("gateway", kOnGateway) + policy("off", kOnListener, "enabled: false"));
  ASSERT_EQ(out.problems, "");
  EXPECT_EQ(name_on(out, 0), "default/gateway");
  EXPECT_EQ(name_on(out, 1), "none");
  const Outcome on_again =
      with_edge(policy("off", kOnGateway, "enabled: false") + policy("rule", kOnRule));
  EXPECT_EQ(name_on(on_again, 0), "default/rule");
}

TEST(CachePolicy, OfTwoForOneTargetTheFirstIsUsedAndTheOtherSaysSo) {
  const Outcome out = with_edge(policy("b", kOnRoute) + policy("a", kOnRoute, "enabled: false"));
  EXPECT_EQ(name_on(out, 0), "none") << "one that turns it off counts as one";
  EXPECT_NE(out.problems.find(
                "warning: CachePolicy default/b: spec.targetRefs[0]: not used for HTTPRoute "
                "default/shop: CachePolicy default/a came before\n"),
            std::string::npos)
      << out.problems;
  std::map<std::string, std::string> reasons;
  for (const ObjectStatus& status : out.compiled.statuses)
    if (status.object.starts_with("CachePolicy"))
      reasons[status.object] = status.conditions.at(0).reason;
  EXPECT_EQ(reasons["CachePolicy default/a"], "Accepted");
  EXPECT_EQ(reasons["CachePolicy default/b"], "Conflicted");
}

TEST(CachePolicy, AGrpcRouteIsNeverCached) {
  const std::string grpc =
      "apiVersion: gateway.networking.k8s.io/v1\nkind: GRPCRoute\nmetadata: {name: shop}\nspec: "
      "{parentRefs: [{name: edge}], hostnames: [a.example], rules: [{backendRefs: [{group: "
      "headgate.io, kind: Upstream, name: shop}]}]}\n---\n";
  const Outcome out = compile_text(edge() + grpc + policy("p", kOnGateway));
  ASSERT_EQ(out.problems, "");
  EXPECT_EQ(name_on(out, 0), "none");
  EXPECT_NE(compile_text(edge() + grpc + policy("p", "kind: GRPCRoute, name: shop"))
                .problems.find("spec.targetRefs[0].kind: expected one of Gateway, ListenerSet, "
                               "HTTPRoute, got 'GRPCRoute'"),
            std::string::npos);
}

TEST(CachePolicy, ForListenersWithoutRequestsAloneIsAWarning) {
  const std::string_view raw = "kind: Gateway, name: edge, sectionName: raw";
  EXPECT_NE(
      with_edge(policy("p", raw))
          .problems.find("warning: CachePolicy default/p: spec.targetRefs: nothing is cached: "
                         "Gateway default/edge/raw carries no HTTP requests\n"),
      std::string::npos);
  EXPECT_EQ(with_edge(policy("p", raw, "enabled: false")).problems, "");
  EXPECT_EQ(with_edge(policy("p", kOnGateway)).problems, "") << "HTTP listeners are there too";
}

TEST(CachePolicy, AKeyWithAHostThatNobodyIsBelievedToNameIsAWarning) {
  const std::string keyed = policy("p", kOnRoute, "key: {headers: [X-A, X-Forwarded-Host]}");
  EXPECT_NE(with_edge(keyed).problems.find(
                "warning: CachePolicy default/p: spec.key.headers[1]: has no effect: no "
                "TrafficPolicy names `connection.trustedProxies` of which it is believed\n"),
            std::string::npos);
  const std::string believed =
      "apiVersion: headgate.io/v1alpha1\nkind: TrafficPolicy\nmetadata: {name: t}\nspec:\n"
      "  targetRefs: [{kind: Gateway, name: edge, sectionName: other}]\n"
      "  connection: {trustedProxies: [10.0.0.0/8]}\n---\n";
  EXPECT_EQ(with_edge(keyed + believed).problems, "");
}

// --- what is refused

struct Refused {
  const char *spec, *problem;
};
class RefusedPolicy : public testing::TestWithParam<Refused> {};
INSTANTIATE_TEST_SUITE_P(
    Cases, RefusedPolicy,
    testing::Values(
        Refused{"key: {headers: ['X Country']}",
                "key.headers[0]: expected a header name: letters, digits and !#$%&'*+-.^_`|~, got "
                "'X Country'"},
        Refused{"key: {headers: ['*']}",
                "key.headers[0]: '*' is not allowed: it names no header: name each one"},
        Refused{"key: {headers: [X-A, Cookie]}",
                "key.headers[1]: 'Cookie' is not allowed: it holds what is each client's own: name "
                "single cookies in `key.cookies`"},
        Refused{"key: {headers: [Authorization]}",
                "key.headers[0]: 'Authorization' is not allowed: credentials are no part of a key: "
                "answers to them are shared only when the origin says so"},
        Refused{"key: {headers: [TE]}",
                "key.headers[0]: 'TE' is not allowed: it is for one connection and is not "
                "forwarded"},
        Refused{"key: {headers: [Range]}",
                "key.headers[0]: 'Range' is not allowed: parts are served from one entry"},
        Refused{"key: {headers: [X-Forwarded-For]}",
                "key.headers[0]: 'X-Forwarded-For' is not allowed: it holds each client's own "
                "address"},
        Refused{"key: {headers: [X-Forwarded-Proto]}",
                "key.headers[0]: 'X-Forwarded-Proto' is not allowed: every key holds the scheme "
                "already"},
        Refused{"key: {headers: [X-Forwarded-Port]}",
                "key.headers[0]: 'X-Forwarded-Port' is not allowed: it is not forwarded"},
        Refused{"key: {headers: [Vary]}",
                "key.headers[0]: 'Vary' is not allowed: it is a header of responses"},
        Refused{"key: {headers: [X-A, x-a]}",
                "key.headers[1]: expected a header that is not named before, got 'x-a'"},
        Refused{"key: {cookies: ['a;b']}", "key.cookies[0]: expected a"},
        Refused{"key: {query: {mode: Only}}", "key.query.names: required for mode Only"},
        Refused{"key: {query: {mode: Except, names: []}}",
                "key.query.names: required for mode Except"},
        Refused{"key: {query: {names: [a]}}", "key.query.names: not allowed for mode All"},
        Refused{"key: {query: {mode: None, sorted: true}}",
                "key.query.sorted: not allowed for mode None, which keeps nothing to sort"},
        Refused{"key: {query: {mode: Only, names: ['a*b']}}",
                "key.query.names[0]: expected the name of a parameter, or the beginning of names "
                "and '*'; no control characters, got 'a*b'"},
        Refused{"key: {query: {mode: Only, names: ['*']}}",
                "key.query.names[0]: expected the name"},
        Refused{"key: {query: {mode: Most}}",
                "key.query.mode: expected one of All, None, Only, Except, got 'Most'"},
        Refused{"ttl: {min: 2m, max: 1m}", "ttl.min: expected at most `ttl.max` (1m), got 2m"},
        Refused{"ttl: {default: 2m, max: 1m}",
                "ttl.default: expected at most `ttl.max` (1m), got 2m"},
        Refused{"ttl: {default: 1s, min: 1m}",
                "ttl.default: expected at least `ttl.min` (1m), got 1s"},
        Refused{"ttl: {min: 1m, byStatus: [{status: 404, ttl: 5s}]}",
                "ttl.byStatus[0].ttl: expected at least `ttl.min` (1m), got 5s"},
        Refused{"ttl: {min: 1500ms}", "ttl.min: expected whole seconds, got 1500ms"},
        Refused{"ttl: {byStatus: [{status: 404, ttl: 1ms}]}",
                "ttl.byStatus[0].ttl: expected whole seconds, got 1ms"},
        Refused{"ttl: {byStatus: [{status: 206, ttl: 1s}]}",
                "ttl.byStatus[0].status: expected a status that is kept for itself, got 206: it is "
                "a part of a 200"},
        Refused{"ttl: {byStatus: [{status: 100, ttl: 1s}]}", "ttl.byStatus[0].status: expected"},
        Refused{"ttl: {byStatus: [{status: 404, ttl: 1s}, {status: 404, ttl: 2s}]}",
                "ttl.byStatus[1]: expected items that differ in status"},
        Refused{"ttl: {heuristicPercent: 101}", "ttl.heuristicPercent: expected"},
        Refused{"ttl: {maximum: 1s}", "ttl.maximum: "},
        Refused{"bypass: {headers: [{name: 'a b'}]}", "bypass.headers[0].name: expected a header"},
        Refused{"targetedFields: [Cache-Control]",
                "targetedFields[0]: 'Cache-Control' is not allowed: it is what holds when none of "
                "these is there"},
        Refused{"targetedFields: [Surrogate-Control]",
                "targetedFields[0]: 'Surrogate-Control' is not allowed: set `surrogateControl: "
                "true` instead"},
        Refused{"targetedFields: [X-Edge]",
                "targetedFields[0]: 'X-Edge' is not allowed: a targeted field has a name that ends "
                "in -Cache-Control (RFC 9213)"},
        Refused{"tagHeaders: [Set-Cookie]",
                "tagHeaders[0]: 'Set-Cookie' is not allowed: it holds what is one client's own"},
        Refused{"setCookie: Drop", "setCookie: expected one of Refuse, Strip, Keep, got 'Drop'"},
        Refused{"maxObjectBytes: 0", "maxObjectBytes: expected"},
        Refused{"shield: {upstream: {name: next}, pseudonym: 'a b'}",
                "shield.pseudonym: expected a header name"},
        Refused{"shield: {}", "shield.upstream: "},
        Refused{"admission: Never", "admission: expected one of Always, SecondRequest, got"}));

TEST_P(RefusedPolicy, NamesTheFieldAndWhatWasExpected) {
  const Outcome out = with_edge(policy("p", kOnRoute, GetParam().spec));
  EXPECT_NE(out.problems.find(fmt::format("CachePolicy default/p: spec.{}", GetParam().problem)),
            std::string::npos)
      << out.problems;
  EXPECT_GE(out.loaded.problems.errors(), 1U);
}

// --- what keeps entries apart

// A change of the field that is shown leaves old entries behind (true) or holds for them (false).
struct Change {
  const char *field, *spec;
  bool leaves;
};
constexpr Change kChanges[] = {
    {"key", "key: {deviceClass: true}", true},
    {"ttl", "ttl: {min: 1s, max: 1h, default: 1m, staleIfError: 1h}", false},
    {"ttl", "ttl: {byStatus: [{status: 400, ttl: 1s}]}", true},
    {"bypass", "bypass: {cookies: [session]}", true},
    {"honourRequestDirectives", "honourRequestDirectives: false", true},
    {"targetedFields", "targetedFields: []", true},
    {"surrogateControl", "surrogateControl: true", true},
    {"setCookie", "setCookie: Strip", true},
    {"heuristicsWithCookies", "heuristicsWithCookies: true", true},
    {"tagHeaders", "tagHeaders: []", true},
    {"maxObjectBytes", "maxObjectBytes: 9", false},
    {"admission", "admission: SecondRequest", false},
    {"keyInCacheStatus", "keyInCacheStatus: true", false},
    {"shield", "shield: {upstream: {name: next}}", false},
};

TEST(CachePolicy, AFingerprintChangesWithWhatDecidesOverStoredResponses) {
  const std::uint64_t plain = compiled("")->fingerprint;
  for (const Change& change : kChanges)
    EXPECT_EQ(compiled(change.spec)->fingerprint != plain, change.leaves) << change.spec;
  EXPECT_EQ(compiled("ttl: {byStatus: [{status: 404, ttl: 1s}]}")->fingerprint,
            compiled("ttl: {byStatus: [{status: 404, ttl: 9s}]}")->fingerprint);
  const Schema& spec = find_field(find_kind("CachePolicy")->schema, "spec")->schema;
  for (const Field& field : spec.fields) {
    if (field.name == "targetRefs" || field.name == "enabled") continue;
    EXPECT_TRUE(std::any_of(std::begin(kChanges), std::end(kChanges),
                            [&](const Change& change) { return change.field == field.name; }))
        << field.name << ": does a change of it leave old entries behind?";
  }
}

std::uint64_t scope_of(std::string_view rule, std::string_view more = {},
                       std::string_view name_space = "default") {
  std::string route = shop_route(rule);
  route.replace(route.find("{name: shop}"), 12,
                fmt::format("{{name: shop, namespace: {}}}", name_space));
  if (name_space != "default")
    route.replace(route.find("{name: edge}"), 12, "{name: edge, namespace: default}");
  std::string open = edge();
  open.replace(open.find("port: 8080"), 10, "port: 8080, allowedRoutes: {namespaces: {from: All}}");
  const Outcome out = compile_text(open + std::string(more) + route);
  EXPECT_EQ(out.problems, "") << rule;
  return out.problems.empty() ? rule_on(out, 0).cache_scope : 0;
}
std::string rule_to(std::string_view backends, std::string_view more = {}) {
  return fmt::format("{{name: pages, backendRefs: [{}]{}}}", backends, more);
}
std::string backend(std::string_view name, std::string_view more = {}) {
  return fmt::format("{{group: headgate.io, kind: Upstream, name: {}{}}}", name, more);
}
std::string with_filter(std::string_view filter) {
  return rule_to(backend("shop"), fmt::format(", filters: [{}]", filter));
}

TEST(CacheScope, IsTheSameForWhatTheOriginDoesNotSee) {
  const std::uint64_t plain = scope_of(rule_to(backend("shop")));
  EXPECT_NE(plain, 0U);
  EXPECT_EQ(plain, scope_of(rule_to(backend("shop", ", weight: 7"))));
  EXPECT_EQ(plain, scope_of("{name: else, backendRefs: [" + backend("shop") + "]}"));
  EXPECT_EQ(plain, scope_of(rule_to(backend("shop"), ", timeouts: {request: 3s}")));
  EXPECT_EQ(plain, scope_of(rule_to(backend("shop"), ", matches: [{path: {value: /}}]")));
  EXPECT_EQ(plain, scope_of(with_filter("{type: ResponseHeaderModifier, responseHeaderModifier: "
                                        "{remove: [x]}}")));
  EXPECT_EQ(plain, scope_of(rule_to(backend("shop")), upstream_at("aaa", 1)));
}

TEST(CacheScope, IsKeptWhileTrafficIsShifted) {
  const auto shifted = [](int old_weight, int new_weight) {
    return scope_of(rule_to(backend("shop", fmt::format(", weight: {}", old_weight)) + ", " +
                            backend("next", fmt::format(", weight: {}", new_weight))));
  };
  EXPECT_EQ(shifted(100, 0), shifted(50, 50));
  EXPECT_EQ(shifted(100, 0), shifted(0, 100));
}

TEST(CacheScope, DiffersWithWhatTheOriginSees) {
  const std::string header =
      "{type: RequestHeaderModifier, requestHeaderModifier: {set: [{name: x, value: y}]}}";
  const std::string path =
      "{type: URLRewrite, urlRewrite: {path: {type: ReplacePrefixMatch, replacePrefixMatch: /v2}}}";
  const std::vector<std::string> rules = {
      rule_to(backend("shop")),
      rule_to(backend("next")),
      rule_to(backend("shop") + ", " + backend("next")),
      rule_to(backend("next") + ", " + backend("shop")),
      with_filter(header),
      rule_to(backend("shop", fmt::format(", filters: [{}]", header))),
      with_filter("{type: RequestHeaderModifier, requestHeaderModifier: {remove: [x]}}"),
      with_filter("{type: URLRewrite, urlRewrite: {hostname: b.example}}"),
      with_filter(path),
  };
  std::map<std::uint64_t, std::string> seen;
  for (const std::string& rule : rules) {
    const auto [at, fresh] = seen.emplace(scope_of(rule), rule);
    EXPECT_TRUE(fresh) << rule << "\n" << at->second;
  }
}

TEST(CacheScope, DiffersBetweenTenantsThatShareAnUpstream) {
  const std::string grant =
      "apiVersion: gateway.networking.k8s.io/v1beta1\nkind: ReferenceGrant\nmetadata: {name: "
      "web}\nspec:\n  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: "
      "web}]\n  to: [{group: headgate.io, kind: Upstream}]\n---\n";
  const std::string rule = rule_to(backend("shop", ", namespace: default"));
  EXPECT_NE(scope_of(rule), scope_of(rule, grant, "web"));
  EXPECT_EQ(scope_of(rule), scope_of(rule_to(backend("shop"))));
}

}  // namespace
}  // namespace headgate::config
