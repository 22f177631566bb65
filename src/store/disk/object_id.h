#pragma once
// Which object: hashes that the caller makes. Values, any thread.
// Equal hashes are not proof: the full key and selector lie in the record and are compared at every
// read.
#include <cstdint>

#include "base/hash.h"

namespace headgate::store::disk {

struct Hash128 {
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  friend bool operator==(const Hash128&, const Hash128&) = default;
};

struct ObjectId {
  Hash128 primary;  // of the key
  Hash128 variant;  // of the selector, zero without one
  friend bool operator==(const ObjectId&, const ObjectId&) = default;
};

// What the index knows an object by. Stays the same between versions: it lies in checkpoints.
constexpr std::uint64_t fingerprint(const ObjectId& id) {
  std::uint64_t state = scramble64(id.primary.low ^ 0x9e3779b97f4a7c15ULL);
  for (const std::uint64_t word : {id.primary.high, id.variant.low, id.variant.high})
    state = scramble64(state + 0x9e3779b97f4a7c15ULL + word);
  return state;
}

}  // namespace headgate::store::disk
