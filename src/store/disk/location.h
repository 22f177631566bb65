#pragma once
// Where a record lies, in one word of the index. Places in the log are ordered by time: a segment
// has a number that is never used again, and the place within it only grows. Values, any thread.
#include <cstdint>

#include "store/disk/limits.h"

namespace headgate::store::disk {

// A place in the log. The sequence number of a record is its place.
struct Place {
  std::uint64_t segment = 0;  // its number
  std::uint32_t unit = 0;
  // The end of a full segment is the beginning of the next one.
  constexpr std::uint64_t sequence() const { return (segment << kPlaceBits) + unit; }
  static constexpr Place of(std::uint64_t sequence) {
    return {sequence >> kPlaceBits, static_cast<std::uint32_t>(sequence & ((1 << kPlaceBits) - 1))};
  }
  friend constexpr bool operator==(const Place&, const Place&) = default;
  friend constexpr auto operator<=>(const Place&, const Place&) = default;
};

// unit:20 units:20 segment:16 hits:2, six bits zero. No record lies at unit 0, so no location is 0.
class Location {
 public:
  static constexpr unsigned kHitsMax = 3;

  constexpr Location() = default;
  constexpr explicit Location(std::uint64_t word) : word_(word) {}
  constexpr Location(Place place, std::uint32_t units)
      : word_(place.unit | std::uint64_t{units} << kPlaceBits |
              (place.segment & kSegmentMask) << (2 * kPlaceBits)) {}

  constexpr std::uint64_t word() const { return word_; }
  constexpr std::uint32_t unit() const { return word_ & kPlaceMask; }
  constexpr std::uint32_t units() const { return (word_ >> kPlaceBits) & kPlaceMask; }
  constexpr std::uint64_t offset() const { return std::uint64_t{unit()} * kUnitBytes; }
  // The low bits of the segment's number.
  constexpr std::uint16_t segment_id() const {
    return static_cast<std::uint16_t>((word_ >> (2 * kPlaceBits)) & kSegmentMask);
  }
  constexpr unsigned hits() const { return (word_ >> kHitsShift) & kHitsMax; }
  constexpr Location hit_once_more() const {
    return hits() == kHitsMax ? *this : Location(word_ + (std::uint64_t{1} << kHitsShift));
  }
  // Read from a disk, it may be anything.
  constexpr bool plausible() const {
    return unit() != 0 && units() != 0 && word_ >> (kHitsShift + 2) == 0 &&
           unit() + units() <= kPlaceMask + 1;
  }
  // The same record, whatever its hits.
  friend constexpr bool same_record(Location a, Location b) {
    return ((a.word_ ^ b.word_) & ((std::uint64_t{1} << kHitsShift) - 1)) == 0;
  }

 private:
  static constexpr std::uint64_t kPlaceMask = (1 << kPlaceBits) - 1;
  static constexpr std::uint64_t kSegmentMask = (1 << kSegmentBits) - 1;
  static constexpr int kHitsShift = 2 * kPlaceBits + kSegmentBits;
  std::uint64_t word_ = 0;
};

static_assert(sizeof(Location) == 8);

}  // namespace headgate::store::disk
