#pragma once
// The time of purges: a number that grows by one with each purge. A fill is born at the number it
// finds before its request goes to the origin; a purge hits everything that was born before it.
// Values, any thread.
#include <atomic>
#include <cstdint>

namespace headgate::store::memory {

using Stamp = std::uint64_t;
using LabelId = std::uint32_t;

enum class Purge : std::uint8_t {
  kHard,  // gone for every find that starts afterwards
  kSoft,  // found as stale: served while it is validated
};

struct Standing {
  bool gone = false;
  bool stale = false;
  void add(Standing other) {
    gone |= other.gone;
    stale |= other.stale;
  }
};

// The last purge of each kind of one thing.
struct PurgeStamps {
  std::atomic<Stamp> hard{0};
  std::atomic<Stamp> soft{0};

  Standing of(Stamp born) const {
    return {hard.load(std::memory_order_acquire) > born,
            soft.load(std::memory_order_acquire) > born};
  }
  void purge(Purge how, Stamp at) {
    (how == Purge::kHard ? hard : soft).store(at, std::memory_order_release);
  }
};

}  // namespace headgate::store::memory
