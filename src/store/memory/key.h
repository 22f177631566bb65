#pragma once
// What an object is found by: a hash for the table and the whole key, which a find compares, so
// that a collision is a miss and never a wrong body. A value that views bytes of the caller; the
// store copies what it keeps.
#include <compare>
#include <cstdint>
#include <string_view>

#include "base/hash.h"

namespace headgate::store::memory {

struct Hash128 {
  std::uint64_t high = 0;  // picks the shard
  std::uint64_t low = 0;   // picks the bucket
  friend constexpr bool operator==(const Hash128&, const Hash128&) = default;
};

struct Key {
  Hash128 hash;
  std::string_view bytes;
  // The part of `bytes` that a purge by prefix is compared with (host and path). Empty: no prefix
  // but the empty one.
  std::string_view locator;
};

// With a secret seed strangers cannot choose keys that meet in one bucket.
inline Hash128 hash_key(std::string_view bytes, std::uint64_t seed) {
  return {hash64(bytes, seed), hash64(bytes, scramble64(seed + 1))};
}

}  // namespace headgate::store::memory
