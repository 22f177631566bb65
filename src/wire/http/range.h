#pragma once
// Byte ranges (RFC 9110 §14): the Range of requests, resolved against a length, and Content-Range.
// Values; no allocation; pure, any thread.
//
// A Range that asks for more than kRangesMax pieces is ignored as a whole (§14.2 allows it, §17.15
// asks for it); ranges that overlap, touch or nearly touch become one, so that no answer is longer
// than the representation and a little for each part.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::wire::http {

inline constexpr std::size_t kRangesMax = 16;
inline constexpr std::uint64_t kRangeGapMax = 128;  // about what one more part costs

struct ByteRange {
  std::uint64_t first = 0, last = 0;  // inclusive
  constexpr std::uint64_t size() const { return last - first + 1; }
  friend constexpr bool operator==(ByteRange, ByteRange) = default;
};

template <typename T>
struct RangeArray {
  std::array<T, kRangesMax> items{};
  std::size_t count = 0;

  const T* begin() const { return items.data(); }
  const T* end() const { return items.data() + count; }
  const T& operator[](std::size_t i) const { return items[i]; }
  bool push(const T& item) {
    if (count == kRangesMax) return false;
    items[count++] = item;
    return true;
  }
};

// "0-99", "100-" (no last) or "-5" (no first; last is the length of the suffix).
struct RangeSpec {
  std::optional<std::uint64_t> first, last;
};
using RangeSpecs = RangeArray<RangeSpec>;
using ByteRanges = RangeArray<ByteRange>;

// None: not of bytes, malformed, reversed or too many: the field is ignored.
std::optional<RangeSpecs> parse_range(std::string_view value);

enum class RangeFit : std::uint8_t {
  kSome,   // `out` holds at least one range, in the order asked for
  kNone,   // 416 (§15.5.17)
  kWhole,  // the representation is empty: no range describes it, the answer is all of it
};
RangeFit resolve(const RangeSpecs& specs, std::uint64_t complete_length, ByteRanges& out);

struct ContentRange {
  std::optional<ByteRange> range;                // none: "bytes */1000" of a 416
  std::optional<std::uint64_t> complete_length;  // none: "bytes 0-99/*"
};

// None for other units and for what contradicts itself (§14.4).
std::optional<ContentRange> parse_content_range(std::string_view value);
void append_content_range(std::string& out, ByteRange range, std::uint64_t complete_length);
void append_unsatisfied_range(std::string& out, std::uint64_t complete_length);  // "bytes */1000"

}  // namespace headgate::wire::http
