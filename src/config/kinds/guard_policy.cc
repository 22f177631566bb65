#include <fmt/format.h>

#include "config/kinds/tables.h"
#include "config/syntax.h"
#include "config/value.h"

namespace headgate::config::kinds {
namespace {

const std::vector<std::string_view> kTargets = {"Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute"};
const std::vector<std::string_view> kAccessTargets = {
    "Gateway", "ListenerSet", "HTTPRoute", "GRPCRoute", "TLSRoute", "TCPRoute", "UDPRoute"};

Schema jwks() {
  return object({
                    {"inline", text(65536).size(1, 65536), "JSON Web Key Set, as JSON text."},
                    {"file", text(4096).size(1, 4096),
                     "Path of a file that holds it, relative to the directory of the configuration "
                     "file; for configurations that are read from files."},
                    {"configMapRef",
                     object({
                         {"name", object_name().required(),
                          "Name of a ConfigMap in the policy's namespace."},
                         {"key", text(253).as(syntax::kDataKey).required(),
                          "Key of the ConfigMap under which the set stands."},
                     }),
                     "ConfigMap that holds it."},
                    {"url", text(2048).as(syntax::kHttpUrl),
                     "URL that it is fetched from; the last good set is kept."},
                    {"refresh", duration(10s, 24h).or_else("300s"),
                     "Time between fetches from `url`."},
                })
      .where("one of inline, file, configMapRef, url", [](const Json& value, const Place& place) {
        int sources = 0;
        for (const std::string_view field : {"inline", "file", "configMapRef", "url"})
          sources += find(value, field) ? 1 : 0;
        if (sources != 1) place.error("expected exactly one of inline, file, configMapRef, url");
      });
}

Schema jwt_provider() {
  const Schema required_claim = object({
      {"claim", text(256).size(1, 256).required(), "Name of the claim."},
      {"value", text(1024).required(), "Value that it must have, or hold if it is a list."},
  });
  const Schema claim_header = object({
      {"claim", text(256).size(1, 256).required(), "Name of the claim."},
      {"header", text(256).as(syntax::kHeaderName).required(),
       "Request header to the backend that gets its value."},
  });
  return object({
      {"name", section_name().required(), "Name, for logs."},
      {"issuer", text(1024), "Expected `iss`; not checked when absent."},
      {"audiences", list(text(1024).size(1, 1024), 16).unique_by({""}),
       "`aud` must hold one of these; not checked when absent."},
      {"jwks", jwks().required(), "Keys that sign."},
      {"clockSkew", duration(0s, 10min).or_else("30s"), "Tolerance for `exp` and `nbf`."},
      {"header", text(256).as(syntax::kHeaderName).or_else("authorization"),
       "Header that holds the token; `Bearer ` is taken off authorization."},
      {"cookie", text(256).as(syntax::kHeaderName),
       "Cookie that holds the token when the header is absent."},
      {"requiredClaims", list(required_claim, 16), "Claims that must all hold."},
      {"claimHeaders", list(claim_header, 16).unique_by({"header"}),
       "Claims that the backend is told. What the client sent under these names is removed."},
      {"forwardToken", boolean().or_else("false"), "Whether the backend gets the token."},
  });
}

Schema api_keys() {
  return object({
                    {"header", text(256).as(syntax::kHeaderName), "Header that holds the key."},
                    {"query", text(256).as(syntax::kHeaderName),
                     "Query parameter that holds the key."},
                    {"secretRefs", list(secret_ref(), 16).size(1, 16).required(),
                     "Secrets: each entry is a client's name and its key."},
                })
      .where("header, query or both", [](const Json& value, const Place& place) {
        if (!find(value, "header") && !find(value, "query"))
          place.error("expected header, query or both");
      });
}

Schema signed_urls() {
  const Schema key = object({
      {"id", section_name().required(), "Name of the key, which a URL carries."},
      {"secretRef",
       extend(secret_ref(), {{"key", text(253).as(syntax::kDataKey).or_else("key"),
                              "Entry of the Secret that holds the key: at least 32 bytes, used as "
                              "they are."}})
           .required(),
       "Secret that holds it."},
  });
  return object({
      {"keys", list(key, 2).size(1, 2).unique_by({"id"}).required(),
       "Keys that sign: one, or two while one takes the other's place."},
      {"parameterPrefix", text(32).as(syntax::kParameterPrefix).or_else("hg-"),
       "What the names of the parameters begin with: `hg-expires`, `hg-key`, `hg-signature`, "
       "`hg-prefix`."},
      {"allowPrefix", boolean().or_else("false"),
       "Whether a signature may stand for every path below one, with any query."},
      {"bindAddress", boolean().or_else("false"),
       "Whether a signature is for the address of one client."},
  });
}

Schema external() {
  const Schema names = list(text(256).as(syntax::kHeaderName), 64).unique_by({""});
  return object({
      {"backendRef", upstream_ref().required(), "Who is asked."},
      {"pathPrefix", text(1024).as(syntax::kAbsolutePath),
       "Stands before the path of the request that is sent."},
      {"timeout", duration(1ms, 1min).or_else("1s"), "How long the answer may take."},
      {"onError", text().one_of({"Deny", "Allow"}).or_else("Deny"),
       "What happens when there is no answer."},
      {"requestHeaders", names, "Headers that are sent besides method, path and host."},
      {"responseHeaders", names, "Headers of an allowing answer that the backend gets."},
  });
}

constexpr std::string_view kOfRequests[] = {"jwt", "apiKeys", "signedUrls",
                                            "externalAuthorization"};

void check_access(const Json& value, const Place& place) {
  bool is_any = find(value, "deny") || find(value, "allow");
  for (const std::string_view field : kOfRequests) {
    if (!find(value, field)) continue;
    is_any = true;
    for (const Json& target : items(value, "targetRefs")) {
      const std::string_view kind = text_of(target, "kind");
      if (kind == "TLSRoute" || kind == "TCPRoute" || kind == "UDPRoute")
        Place(place, field).error(fmt::format("not allowed for a target of kind {}", kind));
    }
  }
  if (!is_any)
    place.error(
        fmt::format("expected at least one of deny, allow, {}", fmt::join(kOfRequests, ", ")));
}

}  // namespace

Kind rate_limit() {
  const Schema limit = object({
      {"name", section_name().required(),
       "Name of the limit, unique within the object. Its counts last as long as name and "
       "definition do."},
      {"requests", integer(1, 1'000'000'000).required(), "Requests that a period allows."},
      {"period", duration(1ms, 24h).or_else("1s"), "The period."},
      {"burst", integer(1, 1'000'000'000),
       "Requests that may come at once beyond the even pace; `requests` when absent."},
      {"key", hash_keys("limit"),
       "What is counted apart: all parts joined. One count for everything when absent."},
      {"perRoute", boolean().or_else("false"), "Whether each rule counts apart."},
      {"perTenant", boolean().or_else("false"), "Whether each namespace of routes counts apart."},
      {"status", integer(400, 599).or_else("429"), "Status of the refusal."},
      {"maxEntries", integer(1, 16'777'216).or_else("262144"),
       "Keys that are remembered; the oldest is forgotten."},
  });
  return {kHeadgateGroup,
          {"v1alpha1"},
          "RateLimit",
          "ratelimits",
          true,
          false,
          "How many requests may come, exact for the whole process. Limits of Gateway, listener, "
          "route and rule all hold. TCP, TLS and UDP listeners carry no requests: a policy whose "
          "target has such a listener is refused; name those that speak HTTP by sectionName.",
          object({{"spec",
                   object({
                              {"targetRefs", target_refs(kTargets), "What the limits are for."},
                              {"limits", list(limit, 16).size(1, 16).unique_by({"name"}).required(),
                               "The limits; all must allow."},
                          })
                       .required(),
                   "The limits."}}),
          R"(apiVersion: headgate.io/v1alpha1
kind: RateLimit
metadata: {name: shop}
spec:
  targetRefs: [{kind: HTTPRoute, name: shop}]
  limits:
  - {name: by-client, requests: 100, period: 1s, burst: 200, key: [{type: SourceAddress}]}
)"};
}

Kind access_policy() {
  const Schema addresses = list(text(64).as(syntax::kPrefix), 4096).unique_by({""});
  const Schema spec =
      object({
                 {"targetRefs", target_refs(kAccessTargets),
                  "What the policy is for. Policies of Gateway, listener, route and rule must all "
                  "allow."},
                 {"deny", addresses, "Addresses that are refused."},
                 {"allow", addresses,
                  "Addresses that are let in; everybody who is not denied when absent."},
                 {"jwt",
                  object({
                      {"providers",
                       list(jwt_provider(), 16).size(1, 16).unique_by({"name"}).required(),
                       "Issuers of tokens; any one must accept."},
                      {"required", boolean().or_else("true"),
                       "Whether a request without a token is refused; a wrong one always is."},
                  }),
                  "JSON Web Tokens."},
                 {"apiKeys", api_keys(), "API keys."},
                 {"signedUrls", signed_urls(),
                  "URLs that are of use until they expire, for GET and HEAD: docs/signed-urls.md "
                  "has the form. The parameters are taken out before the backend or a cache key "
                  "sees the URL."},
                 {"externalAuthorization", external(), "A service that decides, over HTTP."},
             })
          .where("TLS, TCP and UDP routes know addresses alone", check_access);
  return {kHeadgateGroup,
          {"v1alpha1"},
          "AccessPolicy",
          "accesspolicies",
          true,
          false,
          "Who may come in. Checked in this order: addresses, signed URLs, tokens, API keys, "
          "external service; "
          "the first refusal ends it. "
          "TCP, TLS and UDP listeners and routes know addresses alone: a policy with `jwt`, "
          "`apiKeys`, `signedUrls` or `externalAuthorization` whose target has such a listener is "
          "refused; name "
          "those that speak HTTP by sectionName. "
          "Why somebody was refused stands in the log, never in the answer.",
          object({{"spec", spec.required(), "The policy."}}),
          R"(apiVersion: headgate.io/v1alpha1
kind: AccessPolicy
metadata: {name: office}
spec:
  targetRefs: [{kind: HTTPRoute, name: shop}]
  allow: [192.0.2.0/24, "2001:db8::/32"]
)"};
}

}  // namespace headgate::config::kinds
