#include "config/kind.h"

#include <algorithm>

#include "config/kinds/tables.h"
#include "config/syntax.h"

namespace headgate::config {
namespace {

Schema metadata(bool namespaced) {
  std::vector<Field> fields = {
      {"name", kinds::object_name().required(),
       "Name, unique among objects of the kind in the namespace."},
      {"labels", map(text(63).as(syntax::kLabelValue), 256).as(syntax::kLabelKey),
       "Labels, for selectors."},
      {"annotations", map(text(256U << 10), 256), "Notes of people and programs."},
      {"creationTimestamp", text(64),
       "Written by the API. Of two objects in conflict the older one wins."},
      {"generation", integer(0, INT64_C(1) << 53), "Written by the API."},
      {"uid", text(128), "Written by the API."},
      {"resourceVersion", text(64), "Written by the API."},
      {"managedFields", any(), "Written by the API."},
      {"finalizers", any(), "Written by the API."},
      {"ownerReferences", any(), "Written by the API."},
  };
  if (namespaced)
    fields.insert(fields.begin() + 1, Field{"namespace", kinds::namespace_name().or_else("default"),
                                            "Namespace: the team that it belongs to."});
  return object(std::move(fields));
}

Kind complete(Kind kind) {
  kind.schema = extend(std::move(kind.schema),
                       {
                           {"apiVersion", text(317).required(), "API group and version."},
                           {"kind", text(63).required(), "Kind."},
                           {"metadata", metadata(kind.namespaced).required(), "Names and labels."},
                           {"status", any(), "Written by Headgate."},
                       });
  return kind;
}

}  // namespace

const std::vector<Kind>& all_kinds() {
  static const std::vector<Kind> all = [] {
    std::vector<Kind> out;
    for (Kind (*make)() :
         {kinds::gateway_class, kinds::gateway, kinds::listener_set, kinds::http_route,
          kinds::grpc_route, kinds::tls_route, kinds::tcp_route, kinds::udp_route,
          kinds::reference_grant, kinds::backend_tls_policy, kinds::namespace_kind, kinds::secret,
          kinds::config_map, kinds::upstream, kinds::traffic_policy, kinds::rate_limit,
          kinds::access_policy, kinds::cache_policy})
      out.push_back(complete(make()));
    return out;
  }();
  return all;
}

const Kind* find_kind(std::string_view api_version, std::string_view name) {
  const std::size_t slash = api_version.find('/');
  const std::string_view group =
      slash == std::string_view::npos ? std::string_view() : api_version.substr(0, slash);
  const std::string_view version =
      slash == std::string_view::npos ? api_version : api_version.substr(slash + 1);
  const Kind* kind = find_kind(name);
  if (!kind || kind->group != group) return nullptr;
  return std::find(kind->versions.begin(), kind->versions.end(), version) == kind->versions.end()
             ? nullptr
             : kind;
}

const Kind* find_kind(std::string_view name) {
  for (const Kind& kind : all_kinds())
    if (kind.name == name) return &kind;
  return nullptr;
}

}  // namespace headgate::config
