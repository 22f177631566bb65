#pragma once
// One function a kind, and the pieces that several kinds share.
#include "config/kind.h"

namespace headgate::config::kinds {

Kind gateway_class();
Kind gateway();
Kind listener_set();
Kind http_route();
Kind grpc_route();
Kind tls_route();
Kind tcp_route();
Kind udp_route();
Kind reference_grant();
Kind backend_tls_policy();
Kind namespace_kind();
Kind secret();
Kind config_map();
Kind upstream();
Kind traffic_policy();
Kind rate_limit();
Kind access_policy();
Kind cache_policy();

// --- shared pieces
Schema object_name();
Schema namespace_name();
Schema section_name();
Schema port();
Schema parent_refs();
Schema hostnames();
Schema backend_ref(std::vector<Field> more = {});
Schema header_edits();  // set, add, remove
std::vector<Field> listener_fields();
std::vector<Field> route_filters(bool http);
Schema target_refs(std::vector<std::string_view> kinds_allowed);
Schema upstream_ref();  // {group, kind, name, namespace}
Schema secret_ref();  // {name, namespace}
Schema config_ref();  // {group, kind: ConfigMap | Secret, name, namespace}
Schema hash_keys(std::string_view of_what);

// The member named by `type` must be there, and no other of `members`. Members are {type value,
// field}.
struct Variant {
  std::string_view type, field;
};
void check_union(const Json& value, const Place& place, const std::vector<Variant>& variants);
// Filters of one rule or backend: each at most once where the specification says so, redirect and
// rewrite apart.
void check_filters(const Json& filters, const Place& place);
extern const std::vector<Variant> kFilterVariants;

}  // namespace headgate::config::kinds
