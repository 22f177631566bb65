#pragma once
// The key of a bucket: its parts hashed with a secret seed, so that a client cannot choose values
// that share a stranger's bucket. Each part carries its length, and an absent part differs from an
// empty one: ("ab", "c") is not ("a", "bc"). A value; pure, any thread, no allocation.
#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace headgate::decide::limit {

class RateKey {
 public:
  // `seed`: random, one for the process's life, the same for all its workers.
  explicit constexpr RateKey(std::uint64_t seed) : seed_(seed), state_(scramble64(seed)) {}

  void add(std::string_view part) { mix(hash64(part, state_) ^ scramble64(part.size() + 1)); }
  void add(std::uint64_t part) { mix(scramble64(part ^ state_) + 2); }
  void add_absent() { mix(3); }

  // Never 0.
  std::uint64_t value() const { return state_ == 0 ? 1 : state_; }

 private:
  // The seed enters at every step: no part, however chosen, leaves a state that is known outside.
  void mix(std::uint64_t x) { state_ = scramble64(scramble64(state_ + seed_) ^ x); }

  std::uint64_t seed_;
  std::uint64_t state_;
};

}  // namespace headgate::decide::limit
