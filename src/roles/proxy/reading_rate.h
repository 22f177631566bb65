#pragma once
// Whether a client takes what waits for it fast enough. A value without a clock: its owner looks
// once a period. The kernel tells of progress in lumps as big as the buffers on the way, so only a
// whole period between two looks counts, and who was caught up at either of them is not judged.
#include <cstdint>

#include "base/time.h"

namespace headgate::proxy {

inline std::uint64_t bytes_in(Duration period, std::uint32_t bytes_per_second) {
  return static_cast<std::uint64_t>(period.count() / 1'000'000) * bytes_per_second / 1000;
}

class ReadingRate {
 public:
  // `taken`: bytes in all; `waits`: whether more is there. True: more was there at the look before,
  // too, and less than `least` was taken since.
  bool is_below(std::uint64_t least, std::uint64_t taken, bool waits) {
    const bool below = waited_ && waits && taken - looked_at_ < least;
    looked_at_ = taken;
    waited_ = waits;
    return below;
  }
  // Whether any was taken since this was asked last.
  bool moves(std::uint64_t taken) {
    const bool moved = taken != asked_at_;
    asked_at_ = taken;
    return moved;
  }

 private:
  std::uint64_t looked_at_ = 0, asked_at_ = 0;
  bool waited_ = false;
};

}  // namespace headgate::proxy
