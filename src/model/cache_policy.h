#pragma once
// What a CachePolicy says, resolved, as a worker reads it. The defaults are RFC 9111 as written for
// a shared cache, on the safe side where it leaves a choice. Immutable; lives as long as its
// Snapshot. Lifetimes that a policy gives count from when the response was received here, those of
// the origin from when it was made.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace headgate::model {

struct CacheKeyPolicy {
  enum class Query : std::uint8_t { kAll, kNone, kOnly, kExcept };
  Query query = Query::kAll;
  std::vector<std::string> query_names;  // decoded names of kOnly and kExcept; "utm_*" is a prefix
  bool query_sorted = false;             // pairs by name; pairs of one name keep their order
  std::vector<std::string> headers;      // of requests, lower case
  std::vector<std::string> cookies;      // by name
  bool device_class = false;             // mobile, tablet or desktop, by User-Agent
};

struct CacheTtlPolicy {
  struct OfStatus {
    std::uint16_t status;
    std::uint32_t seconds;
  };
  std::uint32_t seconds_min = 0;            // raises what is shorter
  std::uint32_t seconds_max = 0xffff'ffff;  // lowers what is longer
  std::vector<OfStatus> by_status;          // where the origin says nothing: 404, 503 ...
  std::optional<std::uint32_t> otherwise;   // where nothing else says anything
  std::uint32_t heuristic_permille = 100;   // of Date minus Last-Modified; 0: no heuristics
  std::uint32_t heuristic_seconds_max = 86400;
  std::optional<std::uint32_t> stale_while_revalidate;  // where the origin says nothing
  std::optional<std::uint32_t> stale_if_error;          // where the origin says nothing
  // RFC 9111 §5.2.2.10 forbids what is stale with s-maxage; many origins mean it otherwise.
  bool stale_despite_s_maxage = false;
};

// A request that meets any of these is neither answered from the cache nor stored.
struct CacheBypass {
  struct Header {
    std::string name;                  // lower case
    std::optional<std::string> value;  // none: that it is there is enough
  };
  std::vector<Header> headers;
  std::vector<std::string> cookies;  // by name
  std::vector<std::string> query;    // decoded names
};

// A tier of edges between this one and the origin: what is missing here is asked of the parent that
// the hash of the key names among the endpoints of `upstream`, in place of the rule's backends. An
// edge whose own `pseudonym` stands in CDN-Loop (RFC 8586) of a request has been asked by another
// one, so it asks the backends; so does an edge that is the parent itself.
struct CacheShield {
  std::uint32_t upstream = 0;  // index into Snapshot::upstreams
  std::string upstream_name;   // "namespace/name"
  std::string pseudonym;       // cdn-id of this network of edges
};

struct CachePolicy {
  enum class SetCookie : std::uint8_t {
    kRefuse,  // a response that sets a cookie is not stored
    kStrip,   // stored without Set-Cookie
    kKeep,    // stored and replayed to everybody
  };
  enum class Admission : std::uint8_t { kAlways, kSecondRequest };

  std::string name;               // "namespace/name"
  std::uint64_t fingerprint = 0;  // of the defining fields
  CacheKeyPolicy key;
  CacheTtlPolicy ttl;
  CacheBypass bypass;
  bool honour_request_directives = true;  // Cache-Control and Pragma of clients
  std::vector<std::string> targeted_fields = {"cdn-cache-control"};  // RFC 9213, first wins
  bool surrogate_control = false;  // Surrogate-Control stands before all of them
  SetCookie set_cookie = SetCookie::kRefuse;
  bool heuristics_with_cookies = false;  // also where the request had cookies outside of the key
  std::vector<std::string> tag_headers = {"cache-tag", "surrogate-key", "xkey"};
  std::uint64_t object_bytes_max = 1ULL << 40;
  Admission admission = Admission::kAlways;
  bool key_in_cache_status = false;
  std::optional<CacheShield> shield;
};

}  // namespace headgate::model
