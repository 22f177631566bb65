// Kinds of the core group: what others refer to.
#include "config/kinds/tables.h"
#include "config/syntax.h"
#include "config/value.h"

namespace headgate::config::kinds {

Kind namespace_kind() {
  return {"",
          {"v1"},
          "Namespace",
          "namespaces",
          false,
          false,
          "A team. Its labels are what `allowedRoutes.namespaces.selector` of a listener looks at. "
          "A namespace needs no object "
          "of its own unless it has labels.",
          object({{"spec", object({{"finalizers", list(text(), 16), "Kept, not acted upon."}}),
                   "Nothing to configure."}}),
          R"(apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {edge: public}}
)"};
}

Kind secret() {
  return {"",
          {"v1"},
          "Secret",
          "secrets",
          true,
          false,
          "Something that must not be seen: certificate with key (`kubernetes.io/tls`: tls.crt, "
          "tls.key), trust anchors (ca.crt), API keys.",
          object({
                     {"type", text(253).or_else("Opaque"),
                      "What the Secret holds; kubernetes.io/tls needs tls.crt and tls.key."},
                     {"data",
                      map(text(1U << 20).as(syntax::kBase64).secret(), 1024).as(syntax::kDataKey),
                      "Values in base64."},
                     {"stringData", map(text(1U << 20).secret(), 1024).as(syntax::kDataKey),
                      "Values as they are; they win over `data`."},
                     {"immutable", boolean(),
                      "Kept, not acted upon: a configuration that runs never changes."},
                 })
              .where("a Secret of type kubernetes.io/tls holds tls.crt and tls.key",
                     [](const Json& value, const Place& place) {
                       if (text_of(value, "type") != "kubernetes.io/tls") return;
                       for (const std::string_view key : {"tls.crt", "tls.key"})
                         if (!find(at(value, "data"), key) && !find(at(value, "stringData"), key))
                           Place(Place(place, "data"), key)
                               .error("required for type kubernetes.io/tls, but missing");
                     }),
          R"(apiVersion: v1
kind: Secret
metadata: {name: clients, namespace: shop}
stringData:
  partner-a: "a long random key"
)"};
}

Kind config_map() {
  return {"",
          {"v1"},
          "ConfigMap",
          "configmaps",
          true,
          false,
          "Text that others refer to: trust anchors (ca.crt), JSON Web Key Sets.",
          object({
              {"data", map(text(1U << 20), 1024).as(syntax::kDataKey), "Values as they are."},
              {"binaryData", map(text(1U << 20).as(syntax::kBase64), 1024).as(syntax::kDataKey),
               "Values in base64."},
              {"immutable", boolean(),
               "Kept, not acted upon: a configuration that runs never changes."},
          }),
          R"(apiVersion: v1
kind: ConfigMap
metadata: {name: jwks, namespace: shop}
data:
  keys.json: '{"keys": []}'
)"};
}

Kind reference_grant() {
  const Schema from = object({
      {"group", text(253).required(), "API group of the referring kind."},
      {"kind", text(63).size(1, 63).required(), "Kind that may refer, for example HTTPRoute."},
      {"namespace", namespace_name().required(), "Namespace from which it may refer."},
  });
  const Schema to = object({
      {"group", text(253).required(),
       "API group of the kind referred to; empty for the core group."},
      {"kind", text(63).size(1, 63).required(),
       "Kind that may be referred to, for example Upstream or Secret."},
      {"name", object_name(), "One object of that kind; every one when absent."},
  });
  return {
      kGatewayGroup,
      {"v1beta1", "v1"},
      "ReferenceGrant",
      "referencegrants",
      true,
      false,
      "The consent of a namespace to be referred to from another one.",
      object({{"spec",
               object({
                          {"from", list(from, 16).size(1, 16).required(), "Who may refer."},
                          {"to", list(to, 16).size(1, 16).required(), "What may be referred to."},
                      })
                   .required(),
               "Who may refer to what in this namespace."}}),
      R"(apiVersion: gateway.networking.k8s.io/v1beta1
kind: ReferenceGrant
metadata: {name: from-web, namespace: shop}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: web}]
  to: [{group: headgate.io, kind: Upstream}]
)"};
}

}  // namespace headgate::config::kinds
