#pragma once
// Everything that is counted, one instance for each worker: the worker writes, the admin thread adds up.
// Label sets are bounded by configuration (rules, upstreams), never by what a client sends.
#include <array>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/counter.h"
#include "base/hash.h"
#include "base/result.h"

namespace headgate::proxy {

// What the cache did for a request.
enum class CacheResult : std::uint8_t { kHit, kStale, kRevalidated, kMiss, kShared, kBypass, kCount };
inline constexpr std::array<std::string_view, static_cast<std::size_t>(CacheResult::kCount)> kCacheResults = {
    "hit", "stale", "revalidated", "miss", "shared", "bypass"};

struct RuleStats {
  std::array<Counter, 6> responses;   // by status class; [0] for exchanges that ended without a status
  std::array<Counter, 3> failures;    // by Source
  Histogram latency_us;
  Counter request_bytes, response_bytes, retries, rate_limited, denied;
  std::array<Counter, kCacheResults.size()> cache;
};

struct UpstreamStats {
  std::array<Counter, 6> responses;
  Counter connects, connect_failures, tls_failures, resets, timeouts, protocol_errors, overflows;
  Counter retries, retry_budget_exhausted, hedges, hedge_wins, ejections, borrowed_connections;
  Counter mirrors, mirror_failures;   // copies sent; copies that were not sent, or not answered, completely
  Gauge connections, active_requests, pending_requests;
  Histogram first_byte_us;
};

struct WorkerStats {
  Counter connections_accepted, connections_refused, connections_handed_over, tls_handshakes, tls_failures, tls_resumed;
  Counter bad_requests, no_route, misdirected, timeouts_head, timeouts_idle, timeouts_body, timeouts_response, client_aborts, floods;
  Counter h1_requests, h2_requests, tunnels, access_log_lost, proxy_protocol_errors;
  Counter udp_flows, udp_flows_evicted, udp_flows_refused, datagrams_received, datagrams_sent, datagrams_dropped;
  Gauge connections, exchanges, tunnels_open, udp_flows_open;
  Histogram loop_busy_us;

  RuleStats& rule(const std::string& name) { return find_or_make(rules, name); }
  UpstreamStats& upstream(const std::string& name) { return find_or_make(upstreams, name); }

  template <typename T>
  using ByName = std::unordered_map<std::string, std::unique_ptr<T>, StringHash, std::equal_to<>>;
  mutable std::mutex mutex;            // guards the maps, not the counters
  ByName<RuleStats> rules;             // "HTTPRoute shop/cart/0"
  ByName<UpstreamStats> upstreams;     // "shop/cart"

 private:
  template <typename T>
  T& find_or_make(ByName<T>& map, const std::string& name) {
    const std::lock_guard lock(mutex);
    auto& slot = map[name];
    if (!slot) slot = std::make_unique<T>();
    return *slot;
  }
};

}  // namespace headgate::proxy
