#include <fmt/format.h>

#include "config/kinds/tables.h"
#include "config/syntax.h"
#include "config/value.h"

namespace headgate::config::kinds {
namespace {

Schema selector() {
  const Schema expression = object({
      {"key", text(317).as(syntax::kLabelKey).required(), "Label key."},
      {"operator", text().one_of({"In", "NotIn", "Exists", "DoesNotExist"}).required(),
       "How the label is compared."},
      {"values", list(text(63).as(syntax::kLabelValue), 64), "Values for In and NotIn."},
  });
  return object({
      {"matchLabels", map(text(63).as(syntax::kLabelValue), 64).as(syntax::kLabelKey),
       "Labels that must have these values."},
      {"matchExpressions", list(expression, 64), "Conditions that must hold besides."},
  });
}

Schema route_namespaces(std::string_view fallback, std::vector<std::string_view> values) {
  return object({
                    {"from", text().one_of(std::move(values)).or_else(fallback),
                     "Which namespaces: all, the same one, or those whose labels match."},
                    {"selector", selector(), "Labels of the Namespace objects, for Selector."},
                })
      .where("`selector` is set for Selector, and for it alone",
             [](const Json& value, const Place& place) {
               const bool wanted = text_of(value, "from") == "Selector";
               if (wanted && !find(value, "selector"))
                 Place(place, "selector").error("required for from: Selector");
               if (!wanted && find(value, "selector"))
                 Place(place, "selector").error("allowed for from: Selector alone");
             })
      .or_else("{}");
}

Schema listener_tls() {
  return object({
                    {"mode", text().one_of({"Terminate", "Passthrough"}).or_else("Terminate"),
                     "Whether TLS ends here or at the backend."},
                    {"certificateRefs", list(secret_ref(), 64),
                     "Secrets of type kubernetes.io/tls. Without any, the development CA of the "
                     "state directory issues for the listener's names."},
                    {"options", map(text(4096), 16).as(syntax::kLabelKey),
                     "headgate.io/tls-policy: pci (default: TLS 1.2 and 1.3, AEAD with forward "
                     "secrecy) or modern (TLS 1.3 alone)."},
                })
      .where("certificateRefs is for Terminate alone; options are known ones", [](const Json& value,
                                                                                  const Place&
                                                                                      place) {
        if (text_of(value, "mode") == "Passthrough" && !items(value, "certificateRefs").empty())
          Place(place, "certificateRefs")
              .error(
                  "expected none, because with mode Passthrough the backend holds the certificate");
        const Place options(place, "options");
        for (const auto& [key, option] : at(value, "options").items()) {
          if (key != "headgate.io/tls-policy") {
            Place(options, key).error("unknown option", "headgate.io/tls-policy");
          } else if (option != "pci" && option != "modern") {
            Place(options, key)
                .error(fmt::format("expected one of pci, modern, got '{}'",
                                   option.get<std::string>()));
          }
        }
      });
}

void check_listener(const Json& value, const Place& place) {
  const std::string_view protocol = text_of(value, "protocol");
  const Json* tls = find(value, "tls");
  const std::string_view mode = tls ? text_of(*tls, "mode", "Terminate") : "";
  if (protocol == "TLS" && !tls) Place(place, "tls").error("required for protocol TLS");
  if (protocol == "HTTPS" && mode == "Passthrough")
    Place(Place(place, "tls"), "mode").error("expected Terminate for protocol HTTPS", "Terminate");
  if (tls && protocol != "HTTPS" && protocol != "TLS")
    Place(place, "tls").error(fmt::format("not allowed for protocol {}", protocol));
  if (find(value, "hostname") && (protocol == "TCP" || protocol == "UDP"))
    Place(place, "hostname").error(fmt::format("not allowed for protocol {}", protocol));
}

Schema client_validation() {
  return object({
      {"validation",
       object({
           {"caCertificateRefs", list(config_ref(), 8).size(1, 8).required(),
            "Trust anchors for client certificates, under the key ca.crt."},
           {"mode",
            text().one_of({"AllowValidOnly", "AllowInsecureFallback"}).or_else("AllowValidOnly"),
            "Whether a connection without a valid client certificate is refused."},
       }),
       "Client certificates that are asked for (mTLS)."},
  });
}

Schema gateway_tls() {
  const Schema per_port = object({
      {"port", port().required(), "Port of the listeners."},
      {"tls", client_validation().required(), "What holds for them instead."},
  });
  return object(
      {{"frontend",
        object({
            {"default", client_validation().required(), "What holds for every HTTPS listener."},
            {"perPort", list(per_port, 64).unique_by({"port"}), "Exceptions by port."},
        }),
        "TLS towards clients."}});
}

// A certificate that covers several listeners lets HTTP/2 clients coalesce, so what tells listeners
// apart is port, protocol and host name together.
void check_listeners(const Json& value, const Place& place) {
  const Place list_place(place, "listeners");
  std::vector<std::string> seen;
  std::size_t i = 0;
  for (const Json& listener : items(value, "listeners")) {
    std::string id = fmt::format("{} {} {}", integer_of(listener, "port"),
                                 text_of(listener, "protocol"), text_of(listener, "hostname"));
    for (const std::string& before : seen)
      if (before == id)
        Place(list_place, i).error("expected listeners that differ in port, protocol or hostname");
    seen.push_back(std::move(id));
    ++i;
  }
}

}  // namespace

std::vector<Field> listener_fields() {
  const Schema route_kind = object({
      {"group", text(253).or_else(kGatewayGroup), "API group of the kind."},
      {"kind", text(63).size(1, 63).required(),
       "HTTPRoute, GRPCRoute, TLSRoute, TCPRoute or UDPRoute, as the protocol can carry."},
  });
  return {
      {"name", section_name().required(),
       "Name of the listener, unique within its Gateway; sectionName of others means it."},
      {"hostname", text(253).as(syntax::kHostname),
       "Host name that is served; every one when absent. '*.' stands for one or more labels."},
      {"port", port().required(), "Port number."},
      {"protocol", text().one_of({"HTTP", "HTTPS", "TLS", "TCP", "UDP"}).required(),
       "What clients speak."},
      {"tls", listener_tls(), "Certificates, for HTTPS and TLS."},
      {"allowedRoutes",
       object({
                  {"namespaces", route_namespaces("Same", {"All", "Same", "Selector"}),
                   "Namespaces whose routes may attach."},
                  {"kinds", list(route_kind, 8),
                   "Kinds of route that may attach; those of the protocol when absent."},
              })
           .or_else("{}"),
       "Which routes may attach."},
  };
}

Kind gateway_class() {
  return {kGatewayGroup,
          {"v1", "v1beta1"},
          "GatewayClass",
          "gatewayclasses",
          false,
          false,
          "Says who serves a Gateway. The class `headgate` is always there and needs no object; a "
          "GatewayClass gives it further names.",
          object({{"spec",
                   object({
                              {"controllerName", text(253).size(1, 253).required(),
                               "headgate.io/edge: Gateways of this class are served here. Others "
                               "are left alone."},
                              {"description", text(64), "For people."},
                          })
                       .required(),
                   "The class."}}),
          R"(apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: public}
spec: {controllerName: headgate.io/edge}
)"};
}

Kind gateway() {
  const Schema address = object({
      {"type", text().one_of({"IPAddress"}).or_else("IPAddress"), "Kind of address."},
      {"value", text(45).as(syntax::kIpAddress).required(),
       "Address of this machine that is listened on."},
  });
  const Schema infrastructure = object({
      {"labels", map(text(63), 8), "Kept, not acted upon."},
      {"annotations", map(text(4096), 8), "Kept, not acted upon."},
  });
  return {
      kGatewayGroup,
      {"v1", "v1beta1"},
      "Gateway",
      "gateways",
      true,
      false,
      "Ports that are listened on, and what is spoken there.",
      object(
          {{"spec",
            object(
                {
                    {"gatewayClassName", object_name().required(),
                     "headgate, or the name of a GatewayClass whose controller is "
                     "headgate.io/edge."},
                    {"addresses", list(address, 16).unique_by({"value"}),
                     "Addresses that are listened on; every address of the machine when absent."},
                    {"listeners",
                     list(object(listener_fields()).where("what fits the protocol", check_listener),
                          64)
                         .size(1, 64)
                         .unique_by({"name"})
                         .required(),
                     "The listeners."},
                    {"allowedListeners",
                     object({{"namespaces",
                              route_namespaces("None", {"All", "Same", "Selector", "None"}),
                              "Namespaces whose ListenerSets may attach."}}),
                     "Who may add listeners by a ListenerSet."},
                    {"infrastructure", infrastructure,
                     "Metadata for objects of a cluster; there are none here."},
                    {"tls", gateway_tls(), "Client certificates."},
                })
                .where("listeners differ in port, protocol or hostname", check_listeners)
                .required(),
            "The Gateway."}}),
      R"(apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge}
spec:
  gatewayClassName: headgate
  listeners:
  - {name: http, protocol: HTTP, port: 8080}
  - {name: https, protocol: HTTPS, port: 8443, hostname: "*.localhost"}
)"};
}

Kind listener_set() {
  const Schema parent = object({
      {"group", text(253).or_else(kGatewayGroup), "API group of the parent."},
      {"kind", text(63).or_else("Gateway").one_of({"Gateway"}), "Kind of the parent."},
      {"namespace", namespace_name(), "Namespace of the Gateway; the own one when absent."},
      {"name", object_name().required(),
       "Name of the Gateway, whose `allowedListeners` must let this one in."},
  });
  return {
      kGatewayGroup,
      {"v1"},
      "ListenerSet",
      "listenersets",
      true,
      false,
      "More listeners for a Gateway, owned by somebody else than the Gateway.",
      object(
          {{"spec",
            object(
                {
                    {"parentRef", parent.required(), "The Gateway."},
                    {"listeners",
                     list(object(listener_fields()).where("what fits the protocol", check_listener),
                          64)
                         .size(1, 64)
                         .unique_by({"name"})
                         .required(),
                     "The listeners."},
                })
                .where("listeners differ in port, protocol or hostname", check_listeners)
                .required(),
            "The set."}}),
      R"(apiVersion: gateway.networking.k8s.io/v1
kind: ListenerSet
metadata: {name: shop, namespace: shop}
spec:
  parentRef: {name: edge, namespace: default}
  listeners:
  - {name: shop, protocol: HTTPS, port: 8443, hostname: shop.example}
)"};
}

}  // namespace headgate::config::kinds
