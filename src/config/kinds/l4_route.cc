#include "config/kinds/tables.h"
#include "config/syntax.h"
#include "config/value.h"

namespace headgate::config::kinds {
namespace {

Schema rules() {
  const Schema weight = integer(0, 1'000'000).or_else("1");
  const Schema rule = object({
      {"name", section_name(), "Name of the rule."},
      {"backendRefs",
       list(backend_ref(
                {{"weight", weight, "Share of connections, against the sum of weights; 0: none."}}),
            16)
           .size(1, 16)
           .required(),
       "Where connections go."},
  });
  return list(rule, 1).size(1, 1).required();
}

constexpr std::string_view kRulesProse = "One rule.";

Kind forwarding(std::string_view name, std::string_view plural, std::string_view prose,
                std::string_view example) {
  return {
      kGatewayGroup,
      {"v1", "v1alpha2"},
      name,
      plural,
      true,
      false,
      prose,
      object({{"spec",
               object({
                          {"parentRefs", parent_refs(), "Listeners that the route attaches to."},
                          {"rules", rules(), kRulesProse},
                      })
                   .required(),
               "The route."}}),
      example};
}

}  // namespace

Kind tls_route() {
  return {
      kGatewayGroup,
      {"v1", "v1alpha3", "v1alpha2"},
      "TLSRoute",
      "tlsroutes",
      true,
      false,
      "TLS connections by the name that the client asks for (SNI): passed through as they are, or "
      "decrypted and forwarded as bytes, as the listener says.",
      object({{"spec",
               object({
                          {"parentRefs", parent_refs(), "Listeners that the route attaches to."},
                          {"hostnames", hostnames(),
                           "Names in SNI; those of the listener when absent."},
                          {"rules", rules(), kRulesProse},
                      })
                   .required(),
               "The route."}}),
      R"(apiVersion: gateway.networking.k8s.io/v1
kind: TLSRoute
metadata: {name: mail}
spec:
  parentRefs: [{name: edge}]
  hostnames: [mail.example]
  rules:
  - backendRefs: [{group: headgate.io, kind: Upstream, name: mail}]
)"};
}

Kind tcp_route() {
  return forwarding("TCPRoute", "tcproutes", "TCP connections, byte for byte.",
                    R"(apiVersion: gateway.networking.k8s.io/v1
kind: TCPRoute
metadata: {name: database}
spec:
  parentRefs: [{name: edge, sectionName: database}]
  rules:
  - backendRefs: [{group: headgate.io, kind: Upstream, name: database}]
)");
}

Kind udp_route() {
  return forwarding("UDPRoute", "udproutes",
                    "UDP datagrams; those of one client address and port stay with one endpoint.",
                    R"(apiVersion: gateway.networking.k8s.io/v1
kind: UDPRoute
metadata: {name: syslog}
spec:
  parentRefs: [{name: edge, sectionName: syslog}]
  rules:
  - backendRefs: [{group: headgate.io, kind: Upstream, name: syslog}]
)");
}

Kind backend_tls_policy() {
  const Schema target = object({
      {"group", text(253).or_else(""), "API group of the target: headgate.io."},
      {"kind", text(63).size(1, 63).required(), "Kind of the target: Upstream."},
      {"name", object_name().required(), "Name of the Upstream, in the policy's own namespace."},
      {"sectionName", section_name(), "Not used for an Upstream."},
  });
  const Schema san =
      object({
                 {"type", text().one_of({"Hostname", "URI"}).required(), "Kind of name."},
                 {"hostname", text(253).as(syntax::kHostname), "For Hostname."},
                 {"uri", text(253), "For URI, for example a SPIFFE identity."},
             })
          .where("the field that `type` names, and it alone",
                 [](const Json& value, const Place& place) {
                   check_union(value, place, {{"Hostname", "hostname"}, {"URI", "uri"}});
                 });
  const Schema validation =
      object(
          {
              {"caCertificateRefs", list(config_ref(), 8), "Trust anchors, under the key ca.crt."},
              {"wellKnownCACertificates", text().one_of({"System"}),
               "System: the trust store of the machine."},
              {"hostname", text(253).as(syntax::kPreciseHostname).required(),
               "Name sent as SNI, and verified unless subjectAltNames is set."},
              {"subjectAltNames", list(san, 5), "Names of which the certificate must hold one."},
          })
          .where("caCertificateRefs or wellKnownCACertificates",
                 [](const Json& value, const Place& place) {
                   const bool refs = !items(value, "caCertificateRefs").empty(),
                              system = find(value, "wellKnownCACertificates");
                   if (refs == system)
                     place.error("expected either caCertificateRefs or wellKnownCACertificates");
                 });
  return {
      kGatewayGroup,
      {"v1", "v1alpha3"},
      "BackendTLSPolicy",
      "backendtlspolicies",
      true,
      false,
      "TLS towards an Upstream, as the Gateway API writes it. It wins over `tls` of the Upstream.",
      object(
          {{"spec",
            object({
                       {"targetRefs", list(target, 16).size(1, 16).required(),
                        "Upstreams that it is for."},
                       {"validation", validation.required(), "How the backend proves who it is."},
                   })
                .required(),
            "The policy."}}),
      R"(apiVersion: gateway.networking.k8s.io/v1
kind: BackendTLSPolicy
metadata: {name: shop}
spec:
  targetRefs: [{group: headgate.io, kind: Upstream, name: shop}]
  validation: {wellKnownCACertificates: System, hostname: shop.internal.example}
)"};
}

}  // namespace headgate::config::kinds
