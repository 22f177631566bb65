// What policies and listeners make of rules and ports.
#include <gtest/gtest.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

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
  - {name: http, protocol: HTTP, port: 8080, allowedRoutes: {namespaces: {from: All}}}
  - {name: other, protocol: HTTP, port: 8081}
---
)";

std::string edge() {
  return std::string(kGateway) + upstream_at("shop", 9000) +
         shop_route(
             "{name: slow, backendRefs: [{group: headgate.io, kind: Upstream, name: shop}], "
             "timeouts: {request: 5s}}");
}
Outcome with_edge(std::string_view text, const CompileOptions& options = {}) {
  return compile_text(edge() + std::string(text), options);
}

TEST(Policy, TheNearestPolicyThatSetsAFieldWins) {
  const Outcome out = with_edge(R"(
apiVersion: headgate.io/v1alpha1
kind: TrafficPolicy
metadata: {name: edge}
spec:
  targetRefs: [{kind: Gateway, name: edge}]
  timeouts: {request: 60s, backendRequest: 7s, bodyIdle: 8s}
  retry: {attempts: 5, onStatuses: [503]}
  connection: {idleTimeout: 20s, trustedProxies: [10.0.0.0/8]}
---
apiVersion: headgate.io/v1alpha1
kind: TrafficPolicy
metadata: {name: listener}
spec:
  targetRefs: [{kind: Gateway, name: edge, sectionName: other}]
  connection: {idleTimeout: 30s}
  timeouts: {bodyIdle: 9s}
---
apiVersion: headgate.io/v1alpha1
kind: TrafficPolicy
metadata: {name: route}
spec:
  targetRefs: [{kind: HTTPRoute, name: shop}]
  timeouts: {backendRequest: 3s}
---
apiVersion: headgate.io/v1alpha1
kind: TrafficPolicy
metadata: {name: rule}
spec:
  targetRefs: [{kind: HTTPRoute, name: shop, sectionName: slow}]
  retry: {attempts: 0}
)");
  ASSERT_EQ(out.problems, "");
  const model::TrafficPolicy& traffic = *rule_on(out, 0).traffic;
  EXPECT_EQ(traffic.timeouts.request, 5s);
  EXPECT_EQ(traffic.timeouts.backend_request, 3s);
  EXPECT_EQ(traffic.timeouts.body_idle, 8s);
  EXPECT_EQ(traffic.timeouts.tunnel_idle, 3600s);
  EXPECT_EQ(traffic.retry.attempts_max, 0U);
  EXPECT_EQ(traffic.retry.on_statuses, std::vector<std::uint16_t>{503});
  EXPECT_EQ(rule_on(out, 1).traffic->timeouts.body_idle, 9s);
  EXPECT_NE(rule_on(out, 0).id, rule_on(out, 1).id);
  EXPECT_EQ(out.compiled.snapshot->rules, 2U);
  EXPECT_EQ(out.compiled.snapshot->ports[0].settings.idle_timeout, 20s);
  EXPECT_EQ(out.compiled.snapshot->ports[1].settings.idle_timeout, 30s);
  EXPECT_EQ(out.compiled.snapshot->ports[1].settings.trusted_proxies.size(), 1U);
}

TEST(Policy, WithoutPoliciesTheModelsDefaultsHold) {
  const Outcome out = with_edge("");
  ASSERT_EQ(out.problems, "");
  const model::TrafficPolicy& made = *rule_on(out, 0).traffic;
  const model::TrafficPolicy standard;
  EXPECT_EQ(made.timeouts.backend_request, standard.timeouts.backend_request);
  EXPECT_EQ(made.timeouts.tunnel_idle, standard.timeouts.tunnel_idle);
  EXPECT_EQ(made.retry.attempts_max, standard.retry.attempts_max);
  EXPECT_EQ(made.retry.backoff_base, standard.retry.backoff_base);
  EXPECT_EQ(made.hedge.delay, standard.hedge.delay);
  EXPECT_EQ(made.buffer_bytes_max, standard.buffer_bytes_max);
  EXPECT_EQ(made.via, standard.via);
  const model::PortSettings& settings = out.compiled.snapshot->ports[0].settings;
  const model::PortSettings usual;
  EXPECT_EQ(settings.head_bytes_max, usual.head_bytes_max);
  EXPECT_EQ(settings.idle_timeout, usual.idle_timeout);
  EXPECT_EQ(settings.body_bytes_per_second_min, usual.body_bytes_per_second_min);
  EXPECT_EQ(settings.response_bytes_per_second_min, usual.response_bytes_per_second_min);
  EXPECT_EQ(settings.response_grace, usual.response_grace);
  const model::Upstream& upstream = *out.compiled.snapshot->upstreams[0];
  const model::Upstream plain;
  EXPECT_EQ(upstream.idle_timeout, plain.idle_timeout);
  EXPECT_EQ(upstream.limits.connections_max, plain.limits.connections_max);
  EXPECT_EQ(upstream.outlier.base_ejection, plain.outlier.base_ejection);
  EXPECT_EQ(upstream.balancing.panic_threshold_percent, plain.balancing.panic_threshold_percent);
  EXPECT_EQ(upstream.dns_ttl_max, plain.dns_ttl_max);
}

TEST(Policy, OfTwoPoliciesForOneTargetTheFirstByNameIsUsed) {
  const Outcome out = with_edge(R"(
apiVersion: headgate.io/v1alpha1
kind: TrafficPolicy
metadata: {name: b}
spec: {targetRefs: [{kind: HTTPRoute, name: shop}], via: b}
---
apiVersion: headgate.io/v1alpha1
kind: TrafficPolicy
metadata: {name: a}
spec: {targetRefs: [{kind: HTTPRoute, name: shop}], via: a}
)");
  EXPECT_EQ(rule_on(out, 0).traffic->via, "a");
  EXPECT_NE(
      out.problems.find("not used for HTTPRoute default/shop: TrafficPolicy default/a came before"),
      std::string::npos)
      << out.problems;
}

TEST(Policy, LimitsAndAccessOfEveryLevelHold) {
  const Outcome out = with_edge(R"(
apiVersion: headgate.io/v1alpha1
kind: RateLimit
metadata: {name: all}
spec: {targetRefs: [{kind: Gateway, name: edge}], limits: [{name: x, requests: 100}]}
---
apiVersion: headgate.io/v1alpha1
kind: RateLimit
metadata: {name: one}
spec: {targetRefs: [{kind: HTTPRoute, name: shop}], limits: [{name: y, requests: 5, period: 1m, burst: 2, key: [{type: Header, name: X-Id}]}]}
---
apiVersion: headgate.io/v1alpha1
kind: AccessPolicy
metadata: {name: keys}
spec: {targetRefs: [{kind: HTTPRoute, name: shop}], apiKeys: {header: X-Key, secretRefs: [{name: clients}]}}
---
apiVersion: v1
kind: Secret
metadata: {name: clients}
data: {partner: bG9uZ2Vub3VnaA==}
)");
  ASSERT_EQ(out.problems, "");
  const model::Rule& rule = rule_on(out, 0);
  ASSERT_EQ(rule.rate_limits.size(), 2U);
  EXPECT_EQ(rule.rate_limits[0]->burst, 100U);
  EXPECT_EQ(rule.rate_limits[1]->name, "default/one/y");
  EXPECT_EQ(rule.rate_limits[1]->key.at(0).name, "x-id");
  ASSERT_EQ(rule.access.size(), 1U);
  ASSERT_EQ(rule.access[0]->api_keys.size(), 1U);
  EXPECT_EQ(rule.access[0]->api_keys[0].client, "partner");
  EXPECT_EQ(rule.access[0]->api_keys[0].sha256.size(), 32U);
}

std::string signing(std::string_view keys, std::string_view more = {}) {
  return "apiVersion: headgate.io/v1alpha1\nkind: AccessPolicy\nmetadata: {name: signed}\nspec: "
         "{targetRefs: [{kind: HTTPRoute, name: shop}], signedUrls: {keys: [" +
         std::string(keys) + "]" + std::string(more) +
         "}}\n---\napiVersion: v1\nkind: Secret\nmetadata: {name: urls}\nstringData: {key: "
         "0123456789abcdef0123456789abcdef, next: 0123456789abcdef0123456789abcdefx, short: "
         "0123456789}\n";
}

TEST(Policy, SignedUrlsHaveTheirKeysAsBytes) {
  const Outcome out = with_edge(
      signing("{id: a, secretRef: {name: urls}}, {id: b, secretRef: {name: urls, key: next}}",
              ", parameterPrefix: x-, allowPrefix: true, bindAddress: true"));
  ASSERT_EQ(out.problems, "");
  const auto& urls = rule_on(out, 0).access.at(0)->signed_urls;
  ASSERT_TRUE(urls);
  ASSERT_EQ(urls->keys.size(), 2U);
  EXPECT_EQ(urls->keys[0].id, "a");
  EXPECT_EQ(urls->keys[0].secret, "0123456789abcdef0123456789abcdef");
  EXPECT_EQ(urls->keys[1].secret, "0123456789abcdef0123456789abcdefx");
  EXPECT_EQ(urls->parameter_prefix, "x-");
  EXPECT_TRUE(urls->prefix_allowed && urls->bind_address);
  const Outcome plain = with_edge(signing("{id: a, secretRef: {name: urls}}"));
  const model::SignedUrls usual, made = *rule_on(plain, 0).access.at(0)->signed_urls;
  EXPECT_EQ(made.parameter_prefix, usual.parameter_prefix);
  EXPECT_EQ(made.prefix_allowed, usual.prefix_allowed);
  EXPECT_EQ(made.bind_address, usual.bind_address);
}

TEST(Policy, AKeyOfSignedUrlsThatCannotBeUsedIsToldWithoutItsBytes) {
  const auto problems = [](std::string_view keys) { return with_edge(signing(keys)).problems; };
  const std::string_view place = "AccessPolicy default/signed: spec.signedUrls.keys";
  const auto tells = [&](std::string_view keys, std::string_view what) {
    const std::string told = problems(keys);
    EXPECT_NE(told.find(std::string(place) + std::string(what)), std::string::npos) << told;
    EXPECT_EQ(told.find("0123456789"), std::string::npos) << told;
  };
  tells("{id: a, secretRef: {name: urls, key: short}}",
        "[0].secretRef.key: Secret default/urls: 'short': expected at least 32 bytes, got 10");
  tells("{id: a, secretRef: {name: urls, key: none}}",
        "[0].secretRef.key: Secret default/urls has no key 'none'");
  tells("{id: a, secretRef: {name: url}}", "[0].secretRef.name: 'url' is not a Secret");
  tells("{id: a, secretRef: {name: urls}}, {id: a, secretRef: {name: urls, key: next}}",
        "[1]: expected items that differ in id");
  tells("", ": expected at least 1 item");
}

TEST(Policy, SignedUrlsWithoutAnyKeyLetNobodyIn) {
  CompileOptions lenient;
  lenient.lenient_references = true;
  const Outcome out = with_edge(signing("{id: a, secretRef: {name: gone}}"), lenient);
  ASSERT_TRUE(out.compiled.snapshot) << out.problems;
  const auto& urls = rule_on(out, 0).access.at(0)->signed_urls;
  ASSERT_TRUE(urls);
  EXPECT_TRUE(urls->keys.empty());
}

TEST(Policy, ATargetThatIsNotThereIsAnError) {
  EXPECT_EQ(
      with_edge("apiVersion: headgate.io/v1alpha1\nkind: RateLimit\nmetadata: {name: l}\nspec: "
                "{targetRefs: [{kind: HTTPRoute, name: shpo}], limits: [{name: x, requests: 1}]}")
          .problems,
      "f:28: RateLimit default/l: spec.targetRefs[0].name: 'shpo' is not an HTTPRoute in namespace "
      "'default'; did you mean 'shop'?\n");
}

constexpr const char* kAway = R"(
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: away, namespace: web}
spec:
  parentRefs: [{name: edge, namespace: default, sectionName: http}]
  hostnames: [b.example]
  rules: [{backendRefs: [{group: headgate.io, kind: Upstream, name: shop, namespace: default}]}]
---
)";

TEST(Policy, AReferenceIntoAnotherNamespaceNeedsItsConsent) {
  EXPECT_NE(
      with_edge(kAway).problems.find("expected a ReferenceGrant in namespace 'default' that lets "
                                     "HTTPRoute of namespace 'web' refer to Upstream 'shop'"),
      std::string::npos);
  EXPECT_EQ(with_edge(std::string(kAway) + R"(
apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: web}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: web}]
  to: [{group: headgate.io, kind: Upstream}]
)")
                .problems,
            "");
}

TEST(Policy, AListenerOfTheSameNamespaceAloneRefusesOthers) {
  std::string text(kAway);
  text.replace(text.find("sectionName: http"), 17, "sectionName: other");
  EXPECT_NE(with_edge(text).problems.find("allowedRoutes of listener 'other' of Gateway "
                                          "default/edge does not let in namespace 'web'"),
            std::string::npos);
}

TEST(Policy, PortsOfDifferentProtocolsAreInConflict) {
  EXPECT_EQ(with_edge(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: second}
spec: {gatewayClassName: headgate, listeners: [{name: raw, protocol: TCP, port: 8080}]}
)")
                .problems,
            "f:29: Gateway default/second: spec.listeners[0].port: port 8080 already speaks the "
            "protocol of Gateway default/edge/http\n");
}

TEST(Policy, ForwardRoutesAreSortedByTheNameThatTheyServe) {
  const Outcome out = compile_text(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec: {gatewayClassName: headgate, listeners: [{name: tls, protocol: TLS, port: 443, tls: {mode: Passthrough}}, {name: udp, protocol: UDP, port: 443}]}
---
apiVersion: headgate.io/v1alpha1
kind: Upstream
metadata: {name: shop}
spec: {endpoints: [{address: 127.0.0.1, port: 9000}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: a}
spec: {parentRefs: [{name: edge}], hostnames: ["*.example", a.example], rules: [{backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {name: u}
spec: {parentRefs: [{name: edge, sectionName: udp}], rules: [{backendRefs: [{group: headgate.io, kind: Upstream, name: shop, weight: 3}]}]}
)",
                                   {});
  // A TLSRoute without sectionName meets the UDP listener too, which takes no such route; one that
  // takes it is enough.
  ASSERT_EQ(out.problems, "");
  const auto& ports = out.compiled.snapshot->ports;
  ASSERT_EQ(ports.size(), 2U);
  ASSERT_EQ(ports[0].forwards.size(), 2U);
  EXPECT_EQ(ports[0].forwards[0].hostnames.at(0), "a.example");
  EXPECT_EQ(ports[0].forwards[1].hostnames.at(0), "*.example");
  ASSERT_EQ(ports[1].forwards.size(), 1U);
  EXPECT_EQ(ports[1].forwards[0].weight_sum, 3U);
}

TEST(Policy, AnExpressionThatIsTooLargeNamesItsObject) {
  const Outcome out = with_edge(R"(
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: re}
spec:
  parentRefs: [{name: edge}]
  rules: [{matches: [{path: {type: RegularExpression, value: "/((a{100}){100}){100}"}}], backendRefs: [{group: headgate.io, kind: Upstream, name: shop}]}]
)");
  EXPECT_NE(out.problems.find("HTTPRoute default/re: spec.rules[0].matches[0].path.value: expected "
                              "an expression of RE2"),
            std::string::npos)
      << out.problems;
}

std::string indented(const std::string& text) {
  std::string out = "    ";
  for (const char c : text) {
    out += c;
    if (c == '\n') out += "    ";
  }
  return out + "\n";
}

struct Pair {
  std::string certificate, key;
};

std::string drain(BIO* bio) {
  char* data = nullptr;
  const long size = BIO_get_mem_data(bio, &data);
  std::string out(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return out;
}

Pair self_signed(const char* name) {
  EVP_PKEY* key = EVP_EC_gen("P-256");
  X509* certificate = X509_new();
  X509_set_version(certificate, 2);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate), 0);
  X509_gmtime_adj(X509_getm_notAfter(certificate), 3600);
  X509_set_pubkey(certificate, key);
  X509_EXTENSION* names = X509V3_EXT_conf_nid(nullptr, nullptr, NID_subject_alt_name,
                                              ("DNS:" + std::string(name)).c_str());
  X509_add_ext(certificate, names, -1);
  X509_EXTENSION_free(names);
  X509_sign(certificate, key, EVP_sha256());
  BIO* certificate_bio = BIO_new(BIO_s_mem());
  BIO* key_bio = BIO_new(BIO_s_mem());
  PEM_write_bio_X509(certificate_bio, certificate);
  PEM_write_bio_PrivateKey(key_bio, key, nullptr, nullptr, 0, nullptr, nullptr);
  X509_free(certificate);
  EVP_PKEY_free(key);
  return {drain(certificate_bio), drain(key_bio)};
}

std::string https(const std::string& certificate, const std::string& key) {
  return R"(
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: headgate
  listeners:
  - {name: https, protocol: HTTPS, port: 8443, hostname: "*.localhost", tls: {certificateRefs: [{name: tls}], options: {headgate.io/tls-policy: modern}}}
---
apiVersion: v1
kind: Secret
metadata: {name: tls}
type: kubernetes.io/tls
stringData:
  tls.crt: |
)" + indented(certificate) +
         "  tls.key: |\n" + indented(key);
}

TEST(Policy, ACertificateIsTakenWhenItsKeyMatches) {
  const Pair pair = self_signed("*.localhost");
  const Outcome out = compile_text(https(pair.certificate, pair.key));
  ASSERT_EQ(out.problems, "");
  const model::ListenerTls& tls = out.compiled.snapshot->ports[0].listeners[0].tls;
  EXPECT_FALSE(tls.issue_locally);
  EXPECT_EQ(tls.certificates.at(0).name, "Secret default/tls");
  EXPECT_EQ(tls.policy.name, "modern");
  EXPECT_FALSE(tls.policy.tls12);
}

TEST(Policy, ACertificateForOtherNamesIsAWarning) {
  const Pair pair = self_signed("shop.example");
  const Outcome out = compile_text(https(pair.certificate, pair.key));
  EXPECT_EQ(out.problems,
            "f:8: warning: Gateway default/edge: spec.listeners[0].tls.certificateRefs: no "
            "certificate covers hostname '*.localhost'\n");
  EXPECT_TRUE(out.compiled.snapshot);
}

TEST(Policy, AKeyOfAnotherCertificateIsAnError) {
  const Outcome out =
      compile_text(https(self_signed("*.localhost").certificate, self_signed("*.localhost").key));
  EXPECT_NE(
      out.problems.find("Secret default/tls: tls.key is not the key of the certificate in tls.crt"),
      std::string::npos)
      << out.problems;
  EXPECT_FALSE(out.compiled.snapshot);
}

TEST(Policy, AFingerprintChangesWithTheDefinitionAlone) {
  const auto fingerprint = [](const std::string& text) {
    return compile_text(text).compiled.snapshot->upstreams[0]->fingerprint;
  };
  const std::string same = edge();
  std::string moved = same, relabelled = same;
  moved.replace(moved.find("port: 9000"), 10, "port: 9001");
  relabelled.replace(relabelled.find("{name: shop}"), 12, "{name: shop, labels: {a: b}}");
  EXPECT_EQ(fingerprint(same), fingerprint(relabelled));
  EXPECT_NE(fingerprint(same), fingerprint(moved));
}

}  // namespace
}  // namespace headgate::config
