// What the proxy counts, as metrics: sums over the workers. Series of single rules and upstreams
// are limited; the others of a large configuration are summed up under "other", always the same
// ones for as long as the configuration stays.
#include "base/metrics_text.h"

#include <algorithm>
#include <span>

#include "roles/proxy/cache/cache_metrics.h"
#include "roles/proxy/jwks_keeper.h"
#include "roles/proxy/prepared.h"
#include "roles/proxy/proxy.h"
#include "roles/proxy/upstream_keeper.h"
#include "roles/proxy/worker.h"

namespace headgate::proxy {

namespace {

constexpr std::size_t kNamedRulesMax = 1000, kNamedUpstreamsMax = 1000;
constexpr std::string_view kOther = "other";
constexpr std::array<std::string_view, 6> kStatusClasses = {"none", "1xx", "2xx",
                                                            "3xx",  "4xx", "5xx"};

using Workers = std::span<const WorkerStats* const>;

// The counters of one label over all workers.
template <typename Stats>
struct Group {
  std::string_view name;
  std::vector<const Stats*> parts;
};

template <typename Stats>
class Families {
 public:
  Families(MetricsText& out, std::vector<Group<Stats>> groups, std::string_view label)
      : out_(out), groups_(std::move(groups)), label_(label) {}

  void counter(std::string_view name, std::string_view help, Counter Stats::* field) const {
    out_.family(name, "counter", help);
    for (const auto& group : groups_)
      out_.sample({{label_, group.name}},
                  sum(group, [&](const Stats& s) { return (s.*field).value(); }));
  }
  void gauge(std::string_view name, std::string_view help, Gauge Stats::* field) const {
    out_.family(name, "gauge", help);
    for (const auto& group : groups_) {
      const auto total = sum(
          group, [&](const Stats& s) { return static_cast<std::uint64_t>((s.*field).value()); });
      out_.sample({{label_, group.name}}, static_cast<double>(static_cast<std::int64_t>(total)));
    }
  }
  template <std::size_t N>
  void counters(std::string_view name, std::string_view help, std::array<Counter, N> Stats::* field,
                std::string_view second, const std::array<std::string_view, N>& values) const {
    out_.family(name, "counter", help);
    for (const auto& group : groups_) {
      for (std::size_t i = 0; i < N; ++i) {
        out_.sample({{label_, group.name}, {second, values[i]}},
                    sum(group, [&](const Stats& s) { return (s.*field)[i].value(); }));
      }
    }
  }
  void histogram(std::string_view name, std::string_view help, Histogram Stats::* field) const {
    out_.family(name, "histogram", help);
    for (const auto& group : groups_) {
      std::vector<const Histogram*> parts;
      for (const Stats* part : group.parts) parts.push_back(&(part->*field));
      out_.histogram({{label_, group.name}}, parts.data(), parts.size());
    }
  }

 private:
  template <typename Read>
  static std::uint64_t sum(const Group<Stats>& group, Read read) {
    std::uint64_t total = 0;
    for (const Stats* part : group.parts) total += read(*part);
    return total;
  }
  MetricsText& out_;
  std::vector<Group<Stats>> groups_;
  std::string_view label_;
};

template <typename Stats>
std::vector<Group<Stats>> group_by_name(Workers workers,
                                        WorkerStats::ByName<Stats> WorkerStats::* map,
                                        const std::vector<std::string_view>& names,
                                        std::size_t named_max) {
  std::vector<Group<Stats>> groups;
  Group<Stats> other{kOther, {}};
  for (std::size_t i = 0; i < names.size(); ++i) {
    Group<Stats> named{names[i], {}};
    for (const WorkerStats* worker : workers) {
      const std::lock_guard lock(worker->mutex);
      const auto found = (worker->*map).find(names[i]);
      if (found != (worker->*map).end())
        (i < named_max ? named : other).parts.push_back(found->second.get());
    }
    if (i < named_max) groups.push_back(std::move(named));
  }
  if (names.size() > named_max) groups.push_back(std::move(other));
  return groups;
}

void collect_rules(MetricsText& out, std::vector<Group<RuleStats>> groups) {
  const Families<RuleStats> rules(out, std::move(groups), "rule");
  rules.counters("headgate_requests_total",
                 "Requests by rule and class of their status; none: ended without one.",
                 &RuleStats::responses, "class", kStatusClasses);
  rules.counters(
      "headgate_request_failures_total", "Failed requests by whose fault it was.",
      &RuleStats::failures, "source",
      std::array<std::string_view, 3>{to_string(Source::kClient), to_string(Source::kOrigin),
                                      to_string(Source::kSelf)});
  rules.histogram("headgate_request_duration_seconds",
                  "From the head of a request to the end of its response.", &RuleStats::latency_us);
  rules.counter("headgate_request_body_bytes_total", "Bytes of request bodies.",
                &RuleStats::request_bytes);
  rules.counter("headgate_response_body_bytes_total", "Bytes of response bodies.",
                &RuleStats::response_bytes);
  rules.counter("headgate_request_retries_total", "Attempts beyond the first.",
                &RuleStats::retries);
  rules.counter("headgate_requests_rate_limited_total", "Requests refused by a rate limit.",
                &RuleStats::rate_limited);
  rules.counters("headgate_cache_requests_total",
                 "Requests of rules with a CachePolicy, by what the cache did.", &RuleStats::cache,
                 "result", kCacheResults);
  rules.counter("headgate_requests_denied_total", "Requests refused by an access policy.",
                &RuleStats::denied);
}

void collect_upstreams(MetricsText& out, std::vector<Group<UpstreamStats>> groups) {
  const Families<UpstreamStats> upstreams(out, std::move(groups), "upstream");
  upstreams.counters("headgate_upstream_requests_total",
                     "Attempts by class of the origin's status; none: it sent none.",
                     &UpstreamStats::responses, "class", kStatusClasses);
  upstreams.histogram("headgate_upstream_first_byte_seconds",
                      "From sending a request to the head of the origin's response.",
                      &UpstreamStats::first_byte_us);
  const auto counter = [&](std::string_view name, std::string_view help,
                           Counter UpstreamStats::* field) {
    upstreams.counter(name, help, field);
  };
  counter("headgate_upstream_connects_total", "Connections that were begun.",
          &UpstreamStats::connects);
  counter("headgate_upstream_connect_failures_total", "Connections that could not be made.",
          &UpstreamStats::connect_failures);
  counter("headgate_upstream_tls_failures_total", "TLS handshakes that failed.",
          &UpstreamStats::tls_failures);
  counter("headgate_upstream_resets_total", "Connections that ended before the response did.",
          &UpstreamStats::resets);
  counter("headgate_upstream_timeouts_total", "Attempts that the origin did not answer in time.",
          &UpstreamStats::timeouts);
  counter("headgate_upstream_protocol_errors_total", "Responses that are not valid HTTP.",
          &UpstreamStats::protocol_errors);
  counter("headgate_upstream_overflows_total", "Requests refused by a limit of the upstream.",
          &UpstreamStats::overflows);
  counter("headgate_upstream_retries_total", "Attempts beyond the first.", &UpstreamStats::retries);
  counter("headgate_upstream_retries_refused_total", "Retries that the retry budget did not allow.",
          &UpstreamStats::retry_budget_exhausted);
  counter("headgate_upstream_hedges_total",
          "Second attempts that were started before the first had failed.", &UpstreamStats::hedges);
  counter("headgate_upstream_hedge_wins_total", "Second attempts that answered first.",
          &UpstreamStats::hedge_wins);
  counter("headgate_upstream_ejections_total", "Endpoints taken out for consecutive errors.",
          &UpstreamStats::ejections);
  counter("headgate_upstream_borrowed_connections_total",
          "Idle connections taken over from another worker.", &UpstreamStats::borrowed_connections);
  counter("headgate_upstream_mirrored_requests_total", "Copies of requests that were sent.",
          &UpstreamStats::mirrors);
  counter("headgate_upstream_mirror_failures_total",
          "Copies of requests that were not sent, or not answered, completely.",
          &UpstreamStats::mirror_failures);
  upstreams.gauge("headgate_upstream_connections", "Open connections to origins.",
                  &UpstreamStats::connections);
  upstreams.gauge("headgate_upstream_active_requests", "Requests at the origins now.",
                  &UpstreamStats::active_requests);
  upstreams.gauge("headgate_upstream_pending_requests", "Requests that wait for a connection now.",
                  &UpstreamStats::pending_requests);
}

template <typename Stats>
struct CounterRow {
  std::string_view name, help;
  Counter Stats::* field;
};
constexpr CounterRow<KeeperStats> kKeeperCounters[] = {
    {"headgate_dns_lookups_total", "Look-ups of the names of upstreams.", &KeeperStats::lookups},
    {"headgate_dns_lookup_failures_total",
     "Look-ups that failed; the last good addresses stay in use.", &KeeperStats::lookup_failures},
    {"headgate_dns_answers_cut_total", "Answers with more addresses than an upstream may have.",
     &KeeperStats::addresses_over_limit},
    {"headgate_endpoint_changes_total", "Sets of endpoints that an answer changed.",
     &KeeperStats::endpoint_changes},
    {"headgate_health_checks_total", "Health checks of endpoints.", &KeeperStats::checks},
    {"headgate_health_check_failures_total", "Health checks that failed.",
     &KeeperStats::check_failures},
    {"headgate_health_checks_postponed_total", "Health checks that had to wait for others.",
     &KeeperStats::checks_postponed},
    {"headgate_endpoints_turned_healthy_total", "Endpoints that their checks put in.",
     &KeeperStats::turned_healthy},
    {"headgate_endpoints_turned_unhealthy_total", "Endpoints that their checks took out.",
     &KeeperStats::turned_unhealthy},
    {"headgate_ejections_ended_total", "Ejected endpoints that came back.",
     &KeeperStats::ejections_ended},
};
constexpr CounterRow<JwksStats> kJwksCounters[] = {
    {"headgate_jwks_fetches_total", "Fetches of key sets.", &JwksStats::fetches},
    {"headgate_jwks_fetch_failures_total",
     "Fetches that gave no key set; the last good one stays in use.", &JwksStats::failures},
};

template <typename Stats, std::size_t N>
void collect_keeper(MetricsText& out, const CounterRow<Stats> (&rows)[N], const Stats& stats) {
  for (const CounterRow<Stats>& row : rows) {
    out.family(row.name, "counter", row.help);
    out.sample({}, (stats.*row.field).value());
  }
}

constexpr CounterRow<WorkerStats> kCounters[] = {
    {"headgate_connections_accepted_total", "Client connections accepted.",
     &WorkerStats::connections_accepted},
    {"headgate_connections_refused_total", "Client connections refused by a limit.",
     &WorkerStats::connections_refused},
    {"headgate_connections_handed_over_total",
     "Client connections given to a worker with less to do.",
     &WorkerStats::connections_handed_over},
    {"headgate_tls_handshakes_total", "TLS handshakes with clients that succeeded.",
     &WorkerStats::tls_handshakes},
    {"headgate_tls_handshake_failures_total", "TLS handshakes with clients that failed.",
     &WorkerStats::tls_failures},
    {"headgate_tls_resumptions_total", "TLS handshakes that resumed a session.",
     &WorkerStats::tls_resumed},
    {"headgate_bad_requests_total", "Requests that are not valid HTTP.",
     &WorkerStats::bad_requests},
    {"headgate_unrouted_requests_total", "Requests that no rule matches.", &WorkerStats::no_route},
    {"headgate_misdirected_requests_total",
     "Requests for a name outside of the connection's listener (421).", &WorkerStats::misdirected},
    {"headgate_client_aborts_total", "Requests whose client went away.",
     &WorkerStats::client_aborts},
    {"headgate_floods_total", "Connections ended because the client flooded them.",
     &WorkerStats::floods},
    {"headgate_tunnels_total", "Tunnels opened: WebSocket, CONNECT, TCP.", &WorkerStats::tunnels},
    {"headgate_udp_flows_total", "Flows of UDP clients that were opened.", &WorkerStats::udp_flows},
    {"headgate_udp_flows_evicted_total", "Flows of UDP clients that made room for others.",
     &WorkerStats::udp_flows_evicted},
    {"headgate_udp_flows_refused_total", "Flows of UDP clients that could not be opened.",
     &WorkerStats::udp_flows_refused},
    {"headgate_udp_datagrams_received_total", "Datagrams from clients and endpoints of UDP routes.",
     &WorkerStats::datagrams_received},
    {"headgate_udp_datagrams_sent_total", "Datagrams to clients and endpoints of UDP routes.",
     &WorkerStats::datagrams_sent},
    {"headgate_udp_datagrams_dropped_total",
     "Datagrams that no route, no endpoint or no room was there for.",
     &WorkerStats::datagrams_dropped},
    {"headgate_access_log_lost_lines_total", "Lines of the access log that could not be written.",
     &WorkerStats::access_log_lost},
    {"headgate_proxy_protocol_errors_total", "Connections without the PROXY header that they need.",
     &WorkerStats::proxy_protocol_errors},
};

std::uint64_t sum(Workers workers, Counter WorkerStats::* field) {
  std::uint64_t total = 0;
  for (const WorkerStats* worker : workers) total += (worker->*field).value();
  return total;
}

double sum(Workers workers, Gauge WorkerStats::* field) {
  std::int64_t total = 0;
  for (const WorkerStats* worker : workers) total += (worker->*field).value();
  return static_cast<double>(total);
}

void collect_process(MetricsText& out, Workers workers) {
  for (const CounterRow<WorkerStats>& row : kCounters) {
    out.family(row.name, "counter", row.help);
    out.sample({}, sum(workers, row.field));
  }
  out.family("headgate_client_requests_total", "counter",
             "Requests that arrived, by version of HTTP.");
  out.sample({{"version", "1"}}, sum(workers, &WorkerStats::h1_requests));
  out.sample({{"version", "2"}}, sum(workers, &WorkerStats::h2_requests));
  out.family("headgate_client_timeouts_total", "counter",
             "Clients that were too slow, by what was waited for.");
  out.sample({{"phase", "head"}}, sum(workers, &WorkerStats::timeouts_head));
  out.sample({{"phase", "body"}}, sum(workers, &WorkerStats::timeouts_body));
  out.sample({{"phase", "response"}}, sum(workers, &WorkerStats::timeouts_response));
  out.sample({{"phase", "idle"}}, sum(workers, &WorkerStats::timeouts_idle));
  out.family("headgate_connections", "gauge", "Open client connections.");
  out.sample({}, sum(workers, &WorkerStats::connections));
  out.family("headgate_udp_flows", "gauge", "Open flows of UDP clients.");
  out.sample({}, sum(workers, &WorkerStats::udp_flows_open));
  out.family("headgate_active_requests", "gauge", "Requests under way.");
  out.sample({}, sum(workers, &WorkerStats::exchanges));
  out.family("headgate_tunnels_open", "gauge", "Open tunnels.");
  out.sample({}, sum(workers, &WorkerStats::tunnels_open));
  out.family("headgate_workers", "gauge", "Worker threads.");
  out.sample({}, static_cast<double>(workers.size()));
  std::vector<const Histogram*> busy;
  for (const WorkerStats* worker : workers) busy.push_back(&worker->loop_busy_us);
  out.family("headgate_worker_turn_duration_seconds", "histogram",
             "Time that a worker spent on one batch of events.");
  out.histogram({}, busy.data(), busy.size());
}

}  // namespace

void Proxy::collect_metrics(MetricsText& out) const {
  const std::vector<const WorkerStats*> workers = stats();
  collect_process(out, workers);
  collect_keeper(out, kKeeperCounters, keeper_->stats());
  collect_keeper(out, kJwksCounters, jwks_->stats());
  if (cache_) collect_cache(out, *cache_);
  if (!current_) return;
  auto by_id = current_->rule_names;
  std::sort(by_id.begin(), by_id.end());
  std::vector<std::string_view> rules, upstreams;
  for (const auto& [id, name] : by_id)
    if (rules.empty() || rules.back() != name) rules.push_back(name);
  for (const auto& upstream : current_->snapshot->upstreams) upstreams.push_back(upstream->name);
  collect_rules(out, group_by_name(workers, &WorkerStats::rules, rules, kNamedRulesMax));
  collect_upstreams(out,
                    group_by_name(workers, &WorkerStats::upstreams, upstreams, kNamedUpstreamsMax));
}

}  // namespace headgate::proxy
