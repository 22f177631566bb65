#pragma once
// What is attached to listeners and routes by policy objects, resolved: a rule points at the result of inheritance
// (Gateway, listener, route, rule: the nearest wins field by field), so that the request path follows one pointer.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/upstream.h"
#include "wire/ip/address.h"

namespace headgate::model {

// Conditions under which a failed attempt may be repeated; the method and body rules of decide/retry come on top.
struct RetryPolicy {
  std::uint32_t attempts_max = 2;              // beyond the first; 0: never
  bool on_connect_failure = true;              // nothing was written: safe for every method
  bool on_reset_before_response = true;        // idempotent methods alone
  std::vector<std::uint16_t> on_statuses;      // for example 502, 503, 504; idempotent methods alone
  Duration per_try_timeout = Duration::zero(); // zero: the backend request timeout
  Duration backoff_base = 25ms, backoff_max = 250ms;
  std::uint64_t body_bytes_max = 65536;        // a larger request body is not kept for replay
};

struct HedgePolicy {
  bool enabled = false;
  Duration delay = 50ms;         // a second attempt starts when the first has not answered by then; safe methods alone
};

struct Timeouts {
  Duration request = Duration::zero();         // whole exchange from the first byte of the head; zero: none
  Duration backend_request = 60s;              // one attempt: until the response head arrives
  Duration body_idle = 60s;                    // no byte moved in either direction while an exchange is active
  Duration tunnel_idle = 3600s;                // WebSocket, CONNECT
  Duration tunnel_max = Duration::zero();      // zero: none
};

struct CompressionPolicy {
  bool gzip = false, brotli = false, zstd = false;
  std::uint32_t bytes_min = 1024;
  std::vector<std::string> content_types;      // empty: the built-in table of text types
};

struct AccessLogPolicy {
  bool enabled = true;
  double sample = 1.0;                         // share of successful requests that is logged; failures always are
  std::vector<std::string> request_headers;    // extra fields, by name; credentials are refused by validation
};

struct ErrorPage {
  std::uint16_t status = 0;                    // 0: every status that the edge itself makes
  std::string content_type = "text/plain; charset=utf-8";
  std::string body;                            // %STATUS%, %REASON%, %REQUEST_ID% are replaced
};

struct TrafficPolicy {
  Timeouts timeouts;
  RetryPolicy retry;
  HedgePolicy hedge;
  CompressionPolicy compression;
  AccessLogPolicy access_log;
  std::vector<ErrorPage> error_pages;
  std::uint64_t request_body_bytes_max = 0;    // 0: no limit
  std::uint32_t buffer_bytes_max = 262144;     // per direction and exchange, before the sender is stopped
  bool websocket = true;                       // Upgrade: websocket and extended CONNECT are allowed
  bool abort_on_client_close = true;           // a client that closes cancels its request (notes row 13)
  std::string via = "headgate";                // pseudonym in Via; empty: no Via
};

struct RateLimit {
  std::string name;                            // "namespace/name/limit": buckets are kept by it and by `fingerprint`
  std::uint64_t fingerprint = 0;
  std::uint64_t requests = 0;                  // per period
  Duration period = 1s;
  std::uint64_t burst = 0;                     // extra above the even pace; at least 1
  std::vector<HashKey> key;                    // parts of the key, all joined; empty: one bucket
  bool by_route = false;                       // the rule is part of the key
  bool by_tenant = false;                      // the route's namespace is part of the key
  std::uint16_t status = 429;
  std::uint32_t entries_max = 262144;          // keys remembered; the oldest full one is forgotten
};

struct JwtProvider {
  std::string name, issuer;
  std::vector<std::string> audiences;          // any; empty: not checked
  std::string jwks;                            // inline or from a file, JSON text
  std::string jwks_url;                        // fetched off the workers; the last good set is kept
  Duration jwks_refresh = 300s;
  Duration clock_skew = 30s;
  std::string header = "authorization";        // "Bearer " is taken off; other headers hold the bare token
  std::string cookie;                          // used when set and the header is absent
  std::vector<std::pair<std::string, std::string>> required_claims;  // claim, exact value (or member of an array)
  std::vector<std::pair<std::string, std::string>> claim_headers;    // claim, header sent to the upstream
  bool forward_token = false;
};

struct ApiKey { std::string client; std::string sha256; };  // 32 raw bytes; the key itself is never kept

struct ExternalAuthorization {
  std::uint32_t upstream = 0;                  // index into Snapshot::upstreams
  std::string path_prefix;
  Duration timeout = 1s;
  bool allow_on_error = false;
  std::vector<std::string> request_headers;    // sent besides method, path, host
  std::vector<std::string> response_headers;   // copied from an allowing answer to the upstream request
};

struct SignedUrls {
  struct Key { std::string id, secret; };      // the secret as raw bytes
  std::vector<Key> keys;                       // empty: none could be read, and every URL is refused
  std::string parameter_prefix = "hg-";
  bool prefix_allowed = false;
  bool bind_address = false;
};

// Checked in this order; the first refusal ends it. Reasons go to the log, never into the answer.
struct AccessPolicy {
  std::string name;
  std::vector<wire::ip::Prefix> deny, allow;   // allow empty: everybody not denied
  std::optional<SignedUrls> signed_urls;
  std::vector<JwtProvider> jwt;                // any one must accept
  bool jwt_required = true;
  std::string api_key_header, api_key_query;   // either; empty: no API keys
  std::vector<ApiKey> api_keys;
  std::optional<ExternalAuthorization> external;
};

}  // namespace headgate::model
