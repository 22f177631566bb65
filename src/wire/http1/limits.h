#pragma once
// What an HTTP/1 peer may send, and the status that it gets beyond that.
#include <cstddef>
#include <cstdint>

namespace headgate::wire::http1 {

struct HeadLimits {
  std::uint32_t head_bytes_max = 32768;   // start line, fields and empty line: 431
  std::uint32_t target_bytes_max = 8192;  // request target: 414
  std::uint32_t fields_max = 100;         // field lines: 431
};

inline constexpr std::size_t kMethodBytesMax = 32;       // longer: 501 (RFC 9112 §3)
inline constexpr std::size_t kChunkSizeDigitsMax = 16;   // leading zeros included
inline constexpr std::size_t kChunkExtBytesMax = 16384;  // over all chunks of one body
inline constexpr std::size_t kTrailerBytesMax = 16384;   // trailer section with its empty line
inline constexpr std::uint32_t kTrailerFieldsMax = 64;
// Lengths above are refused, so that a sum of a length and a buffer size cannot overflow.
inline constexpr std::uint64_t kContentBytesMax = INT64_MAX;

inline constexpr std::uint32_t kHeadBytesFloor = 1024;  // no configuration may go below
static_assert(HeadLimits{}.target_bytes_max + kMethodBytesMax < HeadLimits{}.head_bytes_max);
static_assert(HeadLimits{}.fields_max * 16 <= HeadLimits{}.head_bytes_max,
              "a head of short fields fits");
static_assert(HeadLimits{}.head_bytes_max >= kHeadBytesFloor);
static_assert(kTrailerBytesMax <= HeadLimits{}.head_bytes_max);
static_assert(kTrailerFieldsMax <= HeadLimits{}.fields_max);

}  // namespace headgate::wire::http1
