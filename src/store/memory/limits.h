#pragma once
// Limits of the memory store. A caller that would pass one gets the answer that stands beside it;
// none can be passed by what a peer sends without that answer.
#include <cstddef>
#include <cstdint>

namespace headgate::store::memory {

inline constexpr std::uint64_t kStoreBytesMin = 1 << 20;    // a smaller store is refused at start
inline constexpr std::size_t kKeyBytesMax = 64 << 10;       // longer: fetched alone, not kept
inline constexpr std::size_t kMetadataBytesMax = 256;       // longer: a bug of ours
inline constexpr std::size_t kHeadBytesMax = 128 << 10;     // longer: Lead::fill refuses
inline constexpr std::size_t kSelectorBytesMax = 16 << 10;  // longer: Lead::fill refuses
inline constexpr std::size_t kLabelsMax = 256;           // of one object; more: Lead::fill refuses
inline constexpr std::size_t kLabelBytesMax = 1024;      // longer: Lead::fill refuses
inline constexpr std::size_t kVariantsMax = 16;          // of one key; more: the oldest goes
inline constexpr std::size_t kPrefixRulesMax = 64;       // more: the table is swept at once
inline constexpr std::size_t kPrefixBytesMax = 8 << 10;  // longer: refused
inline constexpr std::size_t kBlockBytesMax = (64 << 10) - 64;  // of body bytes in one allocation
inline constexpr std::size_t kBlockBytesFirst = 1 << 10;        // when the length is not known
inline constexpr std::size_t kBlockBytesNext = 4 << 10;
inline constexpr std::uint64_t kPassWindowBytes =
    512 << 10;                                       // for the slowest reader of a pass-through
inline constexpr std::uint32_t kHandoversMax = 8;    // of one flight; then everybody fetches alone
inline constexpr std::uint32_t kWaitersMax = 65536;  // of one flight; more: fetch alone
inline constexpr std::uint32_t kShardsMax = 256;
inline constexpr std::uint32_t kReadersMax = 512;  // more threads: a bug of ours
inline constexpr std::uint64_t kMarkerShare =
    64;  // of the limit for hit-for-miss markers, 1/64; more: the oldest goes
inline constexpr std::uint64_t kBytesPerLabelMin =
    1024;  // of the limit, for each label that it may name

// A reader that stands at the end of the last block still leaves the writer room.
static_assert(kPassWindowBytes >= 2 * kBlockBytesMax);
static_assert(kVariantsMax <= 32, "View keeps a bit for each");

}  // namespace headgate::store::memory
