#pragma once
// Pseudo-random numbers for balancing, jitter and sampling; never for secrets (io/entropy.h).
// One generator belongs to one worker and is passed down; seeded, so that a run can be repeated.
#include <cstdint>

#include "base/hash.h"

namespace headgate {

// SplitMix64 (Steele, Lea, Flood 2014): one word of state, equidistributed, passes BigCrush.
class Prng {
 public:
  explicit constexpr Prng(std::uint64_t seed) : state_(seed) {}
  constexpr std::uint64_t next() { return scramble64(state_ += 0x9e3779b97f4a7c15ULL); }
  // Uniform in [0, bound); bound > 0. Lemire's multiply-shift; the bias is below 2^-32 for bounds below 2^32.
  constexpr std::uint64_t below(std::uint64_t bound) {
    return static_cast<std::uint64_t>((static_cast<unsigned __int128>(next()) * bound) >> 64);
  }
  // Uniform in [0, 1).
  constexpr double unit() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

 private:
  std::uint64_t state_;
};

}  // namespace headgate
