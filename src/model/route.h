#pragma once
// HTTP routes as decided: matches, filters, backends of one rule. Built by config/compile, read by decide/route and the proxy.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "model/cache_policy.h"
#include "model/policy.h"
#include "wire/http/message.h"

namespace re2 {
class RE2;
}

namespace headgate::model {

using Regex = std::shared_ptr<const re2::RE2>;  // anchored at both ends, linear time, bounded program size

struct PathMatch {
  enum class Kind : std::uint8_t { kExact, kPrefix, kRegex };
  Kind kind = Kind::kPrefix;
  std::string value = "/";   // kPrefix: without a trailing slash unless it is "/"; matches whole segments
  Regex regex;
};

struct NameValueMatch {      // header (case-insensitive name) or query parameter
  std::string name;          // headers: lower case
  wire::http::FieldId id = wire::http::FieldId::kOther;
  std::string value;
  Regex regex;               // instead of value
};

struct Match {
  PathMatch path;
  std::string method;        // empty: any
  std::vector<NameValueMatch> headers, query;
};

struct HeaderEdit {
  enum class Kind : std::uint8_t { kSet, kAdd, kRemove };
  Kind kind = Kind::kSet;
  std::string name;          // lower case
  wire::http::FieldId id = wire::http::FieldId::kOther;
  std::string value;
};

struct PathModifier {
  enum class Kind : std::uint8_t { kNone, kReplaceFullPath, kReplacePrefixMatch };
  Kind kind = Kind::kNone;
  std::string value;
};

struct Redirect {
  std::string scheme, hostname;   // empty: as in the request
  PathModifier path;
  std::optional<std::uint16_t> port;
  std::uint16_t status = 302;
};

struct Rewrite {
  std::string hostname;
  PathModifier path;
};

struct Cors {
  std::vector<std::string> allow_origins;  // "*", "https://a.example", "https://*.example"
  bool allow_credentials = false;
  std::vector<std::string> allow_methods, allow_headers, expose_headers;
  std::uint32_t max_age_seconds = 5;
};

struct Mirror {
  std::uint32_t upstream = 0;     // index into Snapshot::upstreams
  std::uint32_t numerator = 100, denominator = 100;
};

struct Filters {
  std::vector<HeaderEdit> request_headers, response_headers;
  std::optional<Redirect> redirect;
  std::optional<Rewrite> rewrite;
  std::optional<Cors> cors;
  std::vector<Mirror> mirrors;
};

struct Backend {
  static constexpr std::uint32_t kInvalid = UINT32_MAX;  // unresolvable: its share of requests gets 500 (Gateway API)
  std::uint32_t upstream = kInvalid;
  std::uint32_t weight = 1;
  Filters filters;
};

struct CookieAffinity {
  std::string cookie;
  Duration lifetime = Duration::zero();  // zero: session cookie
};

struct Rule {
  std::string route;          // "HTTPRoute shop/cart"
  std::string route_namespace;// the tenant
  std::string name;           // rule name or its index, for logs and sectionName
  std::uint32_t id = 0;       // dense within the snapshot: index of counters
  bool grpc = false;          // errors are answered as gRPC status
  Filters filters;
  std::vector<Backend> backends;
  std::uint64_t weight_sum = 0;
  std::shared_ptr<const TrafficPolicy> traffic;
  std::vector<std::shared_ptr<const AccessPolicy>> access;
  std::vector<std::shared_ptr<const RateLimit>> rate_limits;
  std::optional<CookieAffinity> affinity;
  std::shared_ptr<const CachePolicy> cache;  // null: nothing is cached
  // Of what beside URL and policy decides what the origin answers: tenant, upstreams, URL rewrite,
  // edits of the request. Rules that differ in it never share an entry; a renumbered rule keeps its.
  std::uint64_t cache_scope = 0;
};

}  // namespace headgate::model
