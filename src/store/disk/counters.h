#pragma once
// What the disk store counts, as values for metrics. Several threads write, any reads.
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace headgate::store::disk {

enum class Count : std::uint8_t {
  kHits,           // objects handed out
  kMisses,         // asked for and not there, told at once or after a look at the disk
  kMismatches,     // another key under the same hash
  kStale,          // not handed out: a stamp no longer holds, or expired
  kDamaged,        // records and blocks whose checksum is wrong
  kReadErrors,     // that the disk answered
  kReadsBusy,      // refused: queue full
  kReadBytes,      // of bodies handed out
  kStored,         // objects
  kStoredBytes,    // of their records
  kRemoved,        // removals written
  kRefused,        // beyond a limit of an object or of the index
  kWriteErrors,    // that the disk answered, to writes and syncs
  kWritesBusy,     // refused: queue full
  kPassedThrough,  // refused: the disk is failing
  kReadmitted,     // objects written again because they were of use
  kReclaimed,      // segments given up for new ones
  kSegmentsLost,   // found without a head that can be believed
  kUnitsSkipped,   // of 64 bytes, by scans at the start: damage
  kCheckpoints,    // written
  kCheckpointErrors,
  kCount,
};
inline constexpr std::size_t kCounts = static_cast<std::size_t>(Count::kCount);
std::string_view to_string(Count count);

class Counters {
 public:
  void add(Count count, std::uint64_t n = 1) { at(count).fetch_add(n, std::memory_order_relaxed); }
  std::uint64_t value(Count count) const {
    return values_[static_cast<std::size_t>(count)].load(std::memory_order_relaxed);
  }

 private:
  std::atomic<std::uint64_t>& at(Count count) { return values_[static_cast<std::size_t>(count)]; }
  std::array<std::atomic<std::uint64_t>, kCounts> values_{};
};

}  // namespace headgate::store::disk
