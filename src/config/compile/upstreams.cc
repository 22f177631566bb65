#include "config/compile/upstreams.h"

#include <fmt/format.h>

#include <map>

#include "base/ascii.h"
#include "config/compile/certificates.h"
#include "config/value.h"

namespace headgate::config {
namespace {

using PoliciesByTarget =
    ByName<std::vector<const Object*>>;  // BackendTLSPolicies by "namespace/name" of the Upstream,
                                         // oldest first

model::EndpointSpec endpoint_of(const Json& value) {
  model::EndpointSpec out;
  out.address = text_of(value, "address");
  out.port = whole_of<std::uint16_t>(value, "port");
  out.weight = whole_of<std::uint32_t>(value, "weight");
  out.priority = whole_of<std::uint32_t>(value, "priority");
  out.locality = text_of(value, "locality");
  return out;
}

model::BalancePolicy balance_policy_of(std::string_view name) {
  using enum model::BalancePolicy;
  static const std::map<std::string_view, model::BalancePolicy> names = {
      {"RoundRobin", kRoundRobin},
      {"LeastRequest", kLeastRequest},
      {"Random", kRandom},
      {"Maglev", kMaglev},
      {"RingHash", kRingHash}};
  return names.at(name);
}

model::LoadBalancing balancing_of(const Json& value) {
  model::LoadBalancing out;
  out.policy = balance_policy_of(text_of(value, "policy"));
  for (const Json& key : items(value, "hashKeys")) out.hash_keys.push_back(hash_key_of(key));
  out.bounded_load_factor = number_of(value, "boundedLoadFactor");
  out.slow_start = duration_of(value, "slowStart");
  out.panic_threshold_percent = whole_of<std::uint32_t>(value, "panicThresholdPercent");
  out.locality_aware = boolean_of(value, "localityAware");
  return out;
}

model::HealthCheck health_check_of(const Json& value) {
  using Check = model::HealthCheck;
  Check out;
  const std::string_view type = text_of(value, "type");
  out.kind = type == "GRPC"  ? Check::Kind::kGrpc
             : type == "TCP" ? Check::Kind::kTcp
                             : Check::Kind::kHttp;
  out.path = text_of(value, "path");
  out.host = text_of(value, "host");
  out.grpc_service = text_of(value, "grpcService");
  out.port = whole_of<std::uint16_t>(value, "port");
  out.status_min = whole_of<std::uint16_t>(value, "statusMin");
  out.status_max = whole_of<std::uint16_t>(value, "statusMax");
  out.interval = duration_of(value, "interval");
  out.timeout = duration_of(value, "timeout");
  out.healthy_threshold = whole_of<std::uint32_t>(value, "healthyThreshold");
  out.unhealthy_threshold = whole_of<std::uint32_t>(value, "unhealthyThreshold");
  return out;
}

model::OutlierDetection outlier_of(const Json& value) {
  return {boolean_of(value, "enabled"), whole_of<std::uint32_t>(value, "consecutiveErrors"),
          duration_of(value, "baseEjection"), duration_of(value, "maxEjection"),
          whole_of<std::uint32_t>(value, "maxEjectedPercent")};
}

model::UpstreamLimits limits_of(const Json& value) {
  model::UpstreamLimits out;
  out.connections_max = whole_of<std::uint32_t>(value, "maxConnections");
  out.pending_max = whole_of<std::uint32_t>(value, "maxPending");
  out.requests_max = whole_of<std::uint32_t>(value, "maxRequests");
  out.retry_budget_percent = whole_of<std::uint32_t>(value, "retryBudgetPercent");
  out.retries_min = whole_of<std::uint32_t>(value, "minRetries");
  return out;
}

model::AdaptiveConcurrency adaptive_of(const Json& value) {
  return {boolean_of(value, "enabled"), whole_of<std::uint32_t>(value, "minLimit"),
          whole_of<std::uint32_t>(value, "maxLimit"), number_of(value, "latencyTolerance")};
}

void read_client_certificate(const Context& context, const Object& object, const Json& reference,
                             const Place& place, model::UpstreamTls& out) {
  const Resolved secret = context.resolve(object, "", "Secret", reference);
  if (!secret.object) return context.fault(place, secret.fault);
  const auto certificate = read_certificate(*secret.object);
  if (!certificate) return context.fault(place, certificate.error().message);
  out.client_certificate_pem = certificate->chain_pem;
  out.client_key_pem = certificate->key_pem;
}

model::UpstreamTls tls_of(const Context& context, const Object& object, const Json& value,
                          const Place& place) {
  model::UpstreamTls out;
  out.enabled = true;
  out.server_name = text_of(value, "serverName");
  out.subject_alt_names = texts_of(value, "subjectAltNames");
  out.ca_pem = read_trust_anchors(context, object, items(value, "caCertificateRefs"),
                                  Place(place, "caCertificateRefs"));
  out.offer_h2 = boolean_of(value, "http2", true);
  if (const Json* reference = find(value, "clientCertificateRef"))
    read_client_certificate(context, object, *reference, Place(place, "clientCertificateRef"), out);
  return out;
}

// What the policy says about verification replaces what the Upstream says; its client certificate
// and HTTP/2 stay.
void apply_policy(const Context& context, const Object& policy, model::Upstream& upstream) {
  const Report report = policy.report_to(context.out.problems);
  const Place root(report), spec(root, "spec"), validation(spec, "validation");
  const Json& value = at(policy.spec(), "validation");
  upstream.protocol = model::UpstreamProtocol::kHttps;
  upstream.tls.enabled = true;
  upstream.tls.server_name = text_of(value, "hostname");
  upstream.tls.subject_alt_names.clear();
  for (const Json& name : items(value, "subjectAltNames"))
    upstream.tls.subject_alt_names.emplace_back(
        text_of(name, text_of(name, "type") == "URI" ? "uri" : "hostname"));
  upstream.tls.ca_pem = read_trust_anchors(context, policy, items(value, "caCertificateRefs"),
                                           Place(validation, "caCertificateRefs"));
}

std::uint64_t fingerprint_of(const Object& object, const model::Upstream& out) {
  std::uint64_t hash = hash64(object.spec().dump(-1, ' ', false, Json::error_handler_t::replace),
                              static_cast<std::uint64_t>(out.protocol));
  for (const std::string* text : {&out.tls.server_name, &out.tls.ca_pem,
                                  &out.tls.client_certificate_pem, &out.tls.client_key_pem})
    hash = hash64(*text, hash);
  for (const std::string& name : out.tls.subject_alt_names) hash = hash64(name, hash);
  return hash;
}

model::Upstream upstream_of(const Context& context, const Object& object, const Object* policy) {
  const Report report = object.report_to(context.out.problems);
  const Place root(report), place(root, "spec");
  const Json& spec = object.spec();
  model::Upstream out;
  out.name = object.key();
  const std::string_view protocol = text_of(spec, "protocol");
  out.protocol = protocol == "HTTPS"   ? model::UpstreamProtocol::kHttps
                 : protocol == "HTTP2" ? model::UpstreamProtocol::kHttp2
                                       : model::UpstreamProtocol::kHttp;
  for (const Json& endpoint : items(spec, "endpoints"))
    out.endpoints.push_back(endpoint_of(endpoint));
  out.balancing = balancing_of(at(spec, "loadBalancing"));
  if (const Json* health = find(spec, "healthCheck"))
    out.health_checks.push_back(health_check_of(*health));
  out.outlier = outlier_of(at(spec, "outlierDetection"));
  out.limits = limits_of(at(spec, "limits"));
  out.adaptive = adaptive_of(at(spec, "adaptiveConcurrency"));
  if (protocol == "HTTPS") out.tls = tls_of(context, object, at(spec, "tls"), Place(place, "tls"));
  if (policy) apply_policy(context, *policy, out);
  const std::string_view proxy = text_of(spec, "proxyProtocol");
  out.send_proxy_protocol = proxy == "V1"   ? model::ProxyProtocol::kV1
                            : proxy == "V2" ? model::ProxyProtocol::kV2
                                            : model::ProxyProtocol::kNone;
  out.connect_timeout = duration_of(spec, "connectTimeout");
  out.idle_timeout = duration_of(spec, "idleTimeout");
  out.requests_per_connection_max = whole_of<std::uint64_t>(spec, "maxRequestsPerConnection");
  out.dns_ttl_min = duration_of(at(spec, "dns"), "minTTL");
  out.dns_ttl_max = duration_of(at(spec, "dns"), "maxTTL");
  out.fingerprint = fingerprint_of(object, out);
  return out;
}

void note(const Context& context, const Object& policy, const std::string& target,
          Condition condition) {
  context.out.statuses.push_back(
      {policy.label, target, policy.generation, {std::move(condition)}, 0});
}

void place_policy(const Context& context, const Object& policy, const Json& target,
                  const Place& place, PoliciesByTarget& out) {
  const std::string_view name = text_of(target, "name");
  const std::string label = fmt::format("Upstream {}/{}", policy.name_space, name);
  if (text_of(target, "group") != kHeadgateGroup || text_of(target, "kind") != "Upstream") {
    note(context, policy, label,
         {"Accepted", false, "TargetNotFound", "only an Upstream of headgate.io can be a target"});
    return context.fault(place, "expected group headgate.io and kind Upstream");
  }
  if (!context.find_object("Upstream", policy.name_space, name)) {
    note(context, policy, label, {"Accepted", false, "TargetNotFound", "no such Upstream"});
    return context.fault(
        Place(place, "name"),
        fmt::format("'{}' is not an Upstream in namespace '{}'", name, policy.name_space),
        context.nearest("Upstream", policy.name_space, name));
  }
  auto& list = out[fmt::format("{}/{}", policy.name_space, name)];
  list.push_back(&policy);
  if (list.size() == 1) return note(context, policy, label, {"Accepted", true, "Accepted", ""});
  note(context, policy, label,
       {"Accepted", false, "Conflicted", "the older " + list[0]->label + " is used"});
  place.warning(fmt::format("not used for {}: {} came before", label, list[0]->label));
}

PoliciesByTarget policies_by_target(const Context& context) {
  PoliciesByTarget out;
  for (const Object* policy : context.of("BackendTLSPolicy")) {
    const Report report = policy->report_to(context.out.problems);
    const Place root(report), spec(root, "spec"), targets(spec, "targetRefs");
    const Json& list = items(policy->spec(), "targetRefs");
    for (std::size_t i = 0; i < list.size(); ++i)
      place_policy(context, *policy, list[i], Place(targets, i), out);
  }
  return out;
}

}  // namespace

model::HashKey hash_key_of(const Json& value) {
  using KeyKind = model::HashKey::Kind;
  static const std::map<std::string_view, KeyKind> kinds = {
      {"SourceAddress", KeyKind::kSourceAddress},
      {"Header", KeyKind::kHeader},
      {"Cookie", KeyKind::kCookie},
      {"QueryParameter", KeyKind::kQueryParameter},
      {"Path", KeyKind::kPath}};
  const KeyKind kind = kinds.at(text_of(value, "type"));
  const std::string_view name = text_of(value, "name");
  return {kind, kind == KeyKind::kHeader ? to_lower(name) : std::string(name)};
}

Upstreams::Upstreams(const Context& context) : context_(context) {
  const PoliciesByTarget policies = policies_by_target(context);
  for (const Object* object : context.of("Upstream")) {
    const auto policy = policies.find(object->key());
    index_.emplace(object->key(), static_cast<std::uint32_t>(all.size()));
    all.push_back(std::make_shared<const model::Upstream>(
        upstream_of(context, *object, policy == policies.end() ? nullptr : policy->second[0])));
  }
}

Upstreams::Found Upstreams::find(const Object& from, const Json& reference) const {
  const std::string_view group = text_of(reference, "group"), kind = text_of(reference, "kind");
  if (group != kHeadgateGroup || kind != "Upstream")
    return {
        model::Backend::kInvalid,
        {"InvalidKind",
         fmt::format("expected group headgate.io and kind Upstream, got group '{}' and kind '{}'",
                     group, kind),
         {}}};
  Resolved found = context_.resolve(from, group, kind, reference);
  if (!found.object) return {model::Backend::kInvalid, std::move(found.fault)};
  return {index_.find(found.object->key())->second, {}};
}

}  // namespace headgate::config
