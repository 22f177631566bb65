#pragma once
// What an object and a directory of the disk store may be. Beyond a limit of an object it is
// refused (Admission::kRefused); beyond one of the directory `Store::open` says which.
#include <cstddef>
#include <cstdint>

namespace headgate::store::disk {

// Grows with every change of what lies on the disk; another one is refused whole.
inline constexpr std::uint32_t kFormatVersion = 2;

inline constexpr std::size_t kUnitBytes = 64;        // records begin at multiples of it
inline constexpr std::size_t kBlockBytes = 1 << 16;  // of a body, each with a checksum of its own
inline constexpr std::size_t kSliceBytes = 1 << 20;  // of a large object, each a record of its own

inline constexpr int kPlaceBits = 20;  // of a unit within its segment, and of the units of a record
inline constexpr int kSegmentBits = 16;
inline constexpr std::uint64_t kSegmentBytesMin = 1 << 16;
inline constexpr std::uint64_t kSegmentBytesMax = std::uint64_t{kUnitBytes} << kPlaceBits;
inline constexpr std::uint64_t kSegmentsMin = 4;
inline constexpr std::uint64_t kSegmentsMax = 1
                                              << (kSegmentBits - 1);  // each is an open descriptor

inline constexpr std::size_t kStampsMax = 255;  // their number is one byte
inline constexpr std::size_t kMetadataBytesMax = 256;
inline constexpr std::size_t kKeyBytesMax = 1 << 15;
inline constexpr std::size_t kSelectorBytesMax = 1 << 15;
inline constexpr std::size_t kHeadBytesMax = 1 << 18;
inline constexpr std::size_t kBodyBytesMax = 1 << 24;

// A record up to here is read in one piece.
inline constexpr std::size_t kReadWholeBytes = 1 << 18;

static_assert(kBodyBytesMax + kHeadBytesMax + kKeyBytesMax + kSelectorBytesMax + kBlockBytes <
              kSegmentBytesMax);
static_assert(kSliceBytes % kBlockBytes == 0 && kSliceBytes <= kBodyBytesMax);
static_assert(kKeyBytesMax < (1 << 16) && kSelectorBytesMax < (1 << 16), "16-bit fields");

}  // namespace headgate::store::disk
