#pragma once
// An Upstream: where requests go and with what care. Immutable; run-time state (resolved addresses, health, pools, breakers)
// lives in the roles, keyed by `name` and `fingerprint`, so that an unchanged definition keeps its state over a change.
#include <cstdint>
#include <string>
#include <vector>

#include "base/time.h"

namespace headgate::model {

struct EndpointSpec {
  std::string address;  // IP literal, DNS name, or "unix:/path"
  std::uint16_t port = 0;
  std::uint32_t weight = 1;   // 0: no new requests
  std::uint32_t priority = 0; // lower first; the next level takes what the healthy part of this one cannot (spill-over)
  std::string locality;       // "" = none; same locality as the edge is preferred within a priority
};

enum class UpstreamProtocol : std::uint8_t { kHttp, kHttp2, kHttps };

enum class BalancePolicy : std::uint8_t { kRoundRobin, kLeastRequest, kRandom, kMaglev, kRingHash };

// What a hash balancer or a keyed rate limit reads from a request.
struct HashKey {
  enum class Kind : std::uint8_t { kSourceAddress, kHeader, kCookie, kQueryParameter, kPath };
  Kind kind = Kind::kSourceAddress;
  std::string name;  // of the header, cookie or parameter
};

struct LoadBalancing {
  BalancePolicy policy = BalancePolicy::kLeastRequest;
  std::vector<HashKey> hash_keys;         // Maglev and ring hash: the first one present decides
  double bounded_load_factor = 0;         // > 1: an endpoint may carry at most this times the mean load; 0: unbounded
  Duration slow_start = Duration::zero(); // a new or recovered endpoint reaches its weight after this
  std::uint32_t panic_threshold_percent = 50;  // below this share of healthy endpoints health is ignored (law 2)
  bool locality_aware = false;
};

struct HealthCheck {
  enum class Kind : std::uint8_t { kHttp, kGrpc, kTcp };
  Kind kind = Kind::kHttp;
  std::string path = "/";
  std::string host;          // Host header; empty: the endpoint's address
  std::string grpc_service;
  std::uint16_t port = 0;    // 0: the endpoint's
  std::uint16_t status_min = 200, status_max = 399;
  Duration interval = 5s, timeout = 2s;
  std::uint32_t healthy_threshold = 2, unhealthy_threshold = 3;
};

struct OutlierDetection {
  bool enabled = true;
  std::uint32_t consecutive_errors = 5;       // 5xx, resets, connect failures
  Duration base_ejection = 30s, ejection_max = 300s;
  std::uint32_t ejected_percent_max = 50;
};

struct UpstreamLimits {
  std::uint32_t connections_max = 1024;
  std::uint32_t pending_max = 1024;           // requests that wait for a connection
  std::uint32_t requests_max = 4096;          // in flight
  std::uint32_t retry_budget_percent = 20;    // retries as a share of live requests
  std::uint32_t retries_min = 3;              // always allowed in flight
};

struct AdaptiveConcurrency {
  bool enabled = false;
  std::uint32_t limit_min = 8, limit_max = 4096;
  double latency_tolerance = 1.5;             // sampled latency over the learned minimum that still raises the limit
};

struct UpstreamTls {
  bool enabled = false;
  std::string server_name;      // SNI and the name that is verified; empty: the endpoint's DNS name
  std::vector<std::string> subject_alt_names;  // any of these verifies instead of server_name
  std::string ca_pem;           // empty: the system's trust store
  bool offer_h2 = true;         // ALPN h2 then http/1.1; else http/1.1 alone
  std::string client_certificate_pem, client_key_pem;
};

enum class ProxyProtocol : std::uint8_t { kNone, kV1, kV2 };

struct Upstream {
  std::string name;              // "namespace/name"
  std::uint64_t fingerprint = 0; // hash of every field below
  UpstreamProtocol protocol = UpstreamProtocol::kHttp;
  std::vector<EndpointSpec> endpoints;
  LoadBalancing balancing;
  std::vector<HealthCheck> health_checks;     // none or one
  OutlierDetection outlier;
  UpstreamLimits limits;
  AdaptiveConcurrency adaptive;
  UpstreamTls tls;
  ProxyProtocol send_proxy_protocol = ProxyProtocol::kNone;
  Duration connect_timeout = 3s;
  Duration idle_timeout = 4s;    // below the 5 s at which common origins close (notes row 7)
  std::uint64_t requests_per_connection_max = 0;  // 0: no limit
  Duration dns_ttl_min = 1s, dns_ttl_max = 300s;
};

}  // namespace headgate::model
