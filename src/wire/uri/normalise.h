#pragma once
// One canonical form of a request target, for routing, access control, cache keys and forwarding
// alike (RFC 3986 §6.2.2): a proxy that decides on one spelling and forwards another can be walked
// around. Pure, any thread.
//
// The path: escapes of unreserved characters are decoded, other escapes get upper-case digits,
// characters that may not stand raw are escaped, dot segments are resolved once, after decoding
// ("%2e%2e" is ".."). Normalising twice changes nothing. Refused with 400: malformed escapes, %00,
// raw controls, raw bytes above 0x7e, backslash, '#', climbing above the root, and segments that
// some servers take for dot segments though they are none ("..;x", "..%2F", "%5C..").
// ';' and "//" are ordinary: an origin that strips parameters or merges slashes must be told so by
// policy. The query is not changed; raw controls and '#' in it are refused.
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>

namespace headgate::wire::uri {

enum class EncodedSlash : std::uint8_t {
  kKeep,    // "%2F" stays and separates nothing
  kReject,  // 400
  kDecode,  // becomes "/" and separates segments
};

struct PathPolicy {
  EncodedSlash encoded_slash = EncodedSlash::kKeep;
  bool merge_slashes = false;  // "//" becomes "/"
};

struct PathInfo {
  std::string_view path;    // begins with "/", or is "*"
  std::string_view query;   // behind the first '?', a view into the target
  bool has_query = false;   // "/a?" differs from "/a"
  bool normalised = false;  // the path differs from what was sent and stands in `storage`
};

struct TargetError {
  int status;               // 400
  std::string_view reason;  // static text, for the log
};

// `target` is origin-form, "*", or begins with '?' (an absolute-form without a path: the path is
// "/"). A path with nothing to do comes back as a view into `target` without a copy; else `storage`
// is overwritten and must outlive the result.
std::expected<PathInfo, TargetError> normalise(std::string_view target, PathPolicy policy,
                                               std::string& storage);

}  // namespace headgate::wire::uri
