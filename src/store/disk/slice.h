#pragma once
// A large object in slices of a fixed size: which of them a range of bytes touches, and where.
// Values, any thread.
#include <algorithm>
#include <cstdint>

#include "store/disk/limits.h"

namespace headgate::store::disk {

struct SlicePart {
  std::uint32_t slice;   // its number
  std::uint32_t offset;  // within the slice
  std::uint32_t bytes;
  friend bool operator==(const SlicePart&, const SlicePart&) = default;
};

inline constexpr std::uint64_t kSlicedBytesMax = kSliceBytes * (std::uint64_t{1} << 32);

// The first part of [offset, offset + bytes), bytes > 0, all of it below kSlicedBytesMax; go on
// behind it until nothing is left.
constexpr SlicePart first_part(std::uint64_t offset, std::uint64_t bytes) {
  const std::uint64_t within = offset % kSliceBytes;
  return {static_cast<std::uint32_t>(offset / kSliceBytes), static_cast<std::uint32_t>(within),
          static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes, kSliceBytes - within))};
}

}  // namespace headgate::store::disk
