#pragma once
// How long the supervisor waits before it starts a data plane that died. A value: no clock, no
// timer.
#include <algorithm>
#include <cstdint>

#include "base/prng.h"
#include "base/time.h"

namespace headgate::app {

class RestartPolicy {
 public:
  static constexpr Duration kStable =
      10s;  // a process that lived so long dies for the first time again
  static constexpr Duration kFirstDelay = 100ms, kDelayMax = 10s;

  // At once after a first death; then twice as long each time, and up to half of that more or less,
  // so that many edges that die of the same thing do not come back together. Never gives up.
  constexpr Duration after_death(Duration lived, Prng& prng) {
    deaths_ = lived >= kStable ? 1 : deaths_ + 1;
    if (deaths_ == 1) return Duration::zero();
    const std::uint32_t doublings = std::min<std::uint32_t>(deaths_ - 2, 7);
    const Duration middle = std::min<Duration>(kFirstDelay * (1 << doublings), kDelayMax);
    return middle / 2 + Duration(static_cast<std::int64_t>(
                            prng.below(static_cast<std::uint64_t>(middle.count()))));
  }
  constexpr std::uint32_t deaths() const { return deaths_; }

 private:
  std::uint32_t deaths_ = 0;  // in a row
};

}  // namespace headgate::app
