// What the proxy does at the moment, as JSON for people: ports, routes, upstreams with the health
// of their endpoints, connections.
#include <nlohmann/json.hpp>

#include <algorithm>

#include "io/clock.h"
#include "roles/proxy/jwks_keeper.h"
#include "roles/proxy/prepared.h"
#include "roles/proxy/proxy.h"
#include "roles/proxy/upstream_keeper.h"
#include "roles/proxy/worker.h"

namespace headgate::proxy {

using Json = nlohmann::ordered_json;

namespace {

constexpr std::size_t kListedMax =
    10'000;  // routes, upstreams, endpoints of one: more are counted, not listed

std::string_view name_of(model::PortProtocol protocol) {
  switch (protocol) {
    case model::PortProtocol::kHttp: return "HTTP";
    case model::PortProtocol::kHttps: return "HTTPS";
    case model::PortProtocol::kTlsPassthrough: return "TLS passthrough";
    case model::PortProtocol::kTlsTerminate: return "TLS terminate";
    case model::PortProtocol::kTcp: return "TCP";
    case model::PortProtocol::kUdp: return "UDP";
  }
  return "";
}

std::string_view name_of(model::UpstreamProtocol protocol) {
  switch (protocol) {
    case model::UpstreamProtocol::kHttp: return "HTTP";
    case model::UpstreamProtocol::kHttp2: return "HTTP2";
    case model::UpstreamProtocol::kHttps: return "HTTPS";
  }
  return "";
}

Json listeners_of(const model::Snapshot& snapshot) {
  Json list = Json::array();
  for (const model::Port& port : snapshot.ports) {
    const std::string address = port.address.empty() ? "*" : port.address;
    for (const model::Listener& listener : port.listeners) {
      Json entry = {{"name", listener.name},
                    {"address", address},
                    {"port", port.port},
                    {"protocol", name_of(port.protocol)},
                    {"hostname", listener.hostname},
                    {"certificates", Json::array()}};
      for (const auto& certificate : listener.tls.certificates)
        entry["certificates"].push_back(certificate.name);
      list.push_back(std::move(entry));
    }
    if (port.listeners.empty()) {
      list.push_back({{"name", ""},
                      {"address", address},
                      {"port", port.port},
                      {"protocol", name_of(port.protocol)}});
    }
  }
  return list;
}

Json routes_of(const Prepared& prepared, const std::vector<const WorkerStats*>& workers) {
  Json list = Json::array();
  auto by_id = prepared.rule_names;
  std::sort(by_id.begin(), by_id.end());
  by_id.erase(std::unique(by_id.begin(), by_id.end()), by_id.end());
  for (const auto& [id, name] : by_id) {
    if (list.size() == kListedMax) break;
    std::uint64_t requests = 0, failures = 0;
    for (const WorkerStats* worker : workers) {
      const std::lock_guard lock(worker->mutex);
      const auto found = worker->rules.find(name);
      if (found == worker->rules.end()) continue;
      for (const Counter& count : found->second->responses) requests += count.value();
      for (const Counter& count : found->second->failures) failures += count.value();
    }
    list.push_back({{"rule", name}, {"requests", requests}, {"failures", failures}});
  }
  return list;
}

Json endpoint_status(const Endpoint& endpoint, Instant now) {
  const bool ejected = endpoint.ejected_until_ns.load(std::memory_order_relaxed) > now.ns;
  return {{"endpoint", endpoint.name},
          {"healthy", endpoint.healthy.load(std::memory_order_relaxed)},
          {"ejected", ejected},
          {"activeRequests", endpoint.active.load(std::memory_order_relaxed)},
          {"consecutiveErrors", endpoint.consecutive_errors.load(std::memory_order_relaxed)},
          {"weight", endpoint.weight},
          {"priority", endpoint.priority}};
}

Json names_of(const UpstreamKeeper::Report& report) {
  Json list = Json::array();
  for (const auto& name : report.names) {
    if (list.size() == kListedMax) break;
    list.push_back(
        {{"name", name.name}, {"addresses", name.addresses}, {"problem", name.problem}});
  }
  return list;
}

Json checks_of(const UpstreamKeeper::Report& report) {
  Json list = Json::array();
  for (const auto& check : report.checks) {
    if (list.size() == kListedMax) break;
    list.push_back({{"endpoint", check.endpoint},
                    {"passing", check.healthy},
                    {"lastResult", check.last_result}});
  }
  return list;
}

Json key_sets_of(const JwksKeeper& jwks) {
  Json list = Json::array();
  for (const JwksStatus& set : jwks.status()) {
    if (list.size() == kListedMax) break;
    list.push_back({{"url", set.url},
                    {"keys", set.keys},
                    {"failuresInARow", set.failures_in_a_row},
                    {"lastError", set.last_error}});
  }
  return list;
}

Json upstreams_of(const Prepared& prepared, const UpstreamKeeper& keeper, Instant now) {
  Json list = Json::array();
  for (const auto& state : prepared.upstreams) {
    if (list.size() == kListedMax) break;
    const model::Upstream& definition = state->definition();
    Json endpoints = Json::array();
    const UpstreamKeeper::Report report = keeper.report(*state);
    const auto set = state->endpoints();
    for (const auto& endpoint : set->endpoints)
      if (endpoints.size() < kListedMax) endpoints.push_back(endpoint_status(*endpoint, now));
    list.push_back({{"name", definition.name},
                    {"protocol", name_of(definition.protocol)},
                    {"connections", state->connections().count()},
                    {"activeRequests", state->requests.load(std::memory_order_relaxed)},
                    {"endpoints", std::move(endpoints)},
                    {"names", names_of(report)},
                    {"healthChecks", checks_of(report)}});
  }
  return list;
}

Json connections_of(const std::vector<const WorkerStats*>& workers) {
  Json list = Json::array();
  for (const WorkerStats* worker : workers) {
    list.push_back({{"connections", worker->connections.value()},
                    {"activeRequests", worker->exchanges.value()},
                    {"tunnels", worker->tunnels_open.value()},
                    {"udpFlows", worker->udp_flows_open.value()},
                    {"accepted", worker->connections_accepted.value()}});
  }
  return list;
}

}  // namespace

std::string Proxy::status_json() const {
  const std::vector<const WorkerStats*> workers = stats();
  Json all = Json::object();
  if (current_) {
    all["listeners"] = listeners_of(*current_->snapshot);
    all["routes"] = routes_of(*current_, workers);
    all["upstreams"] = upstreams_of(*current_, *keeper_, io::monotonic_now());
  }
  all["cache"] = {{"purgeJournal", cache_->purges().trouble()}, {"disk", cache_->disk_trouble()}};
  all["keySets"] = key_sets_of(*jwks_);
  all["workers"] = connections_of(workers);
  return all.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace headgate::proxy
