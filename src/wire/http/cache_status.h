#pragma once
// Writes one member of Cache-Status (RFC 9211 §2). A value; appends without allocating when the
// text has room. Pure, any thread.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::wire::http {

struct CacheStatus {
  enum class Forward : std::uint8_t {
    kNone,  // answered from the cache: a hit
    kBypass,
    kMethod,
    kUriMiss,
    kVaryMiss,
    kMiss,
    kRequest,
    kStale,
    kPartial,
  };
  bool hit = false;
  Forward forward = Forward::kNone;  // must be kNone when it is a hit
  int forward_status = 0;           // of the origin's answer when it differs from ours; 0: left out
  std::optional<std::int64_t> ttl;  // seconds, negative when stale
  bool stored = false, collapsed = false;  // with a forward alone
  std::string_view key;                    // printable ASCII, else left out; empty: left out
  std::string_view detail;                 // a token when it is one, else a string; empty: left out
};

std::string_view to_string(CacheStatus::Forward forward);

// `cache` names us: a token when it is one, else a string of printable ASCII.
void append_cache_status(std::string& out, std::string_view cache, const CacheStatus& status);

}  // namespace headgate::wire::http
