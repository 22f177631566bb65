#pragma once
// Non-cryptographic hashes of bytes. `hash64` is for tables and balancing; with a secret random seed it resists chosen keys
// well enough for tables that a peer can fill. Nothing stored on disk or sent to a peer may depend on its value.
#include <cstdint>
#include <cstring>
#include <string_view>

namespace headgate {

constexpr std::uint64_t mix64(std::uint64_t a, std::uint64_t b) {
  const auto product = static_cast<unsigned __int128>(a) * b;
  return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
}

// Finaliser of SplitMix64: every input bit moves every output bit.
constexpr std::uint64_t scramble64(std::uint64_t x) {
  x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9ULL;
  x = (x ^ (x >> 27)) * 0x94d049bb133111ebULL;
  return x ^ (x >> 31);
}

// Folded multiply over 16-byte steps (the construction of wyhash, Wang Yi 2019).
inline std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0) {
  constexpr std::uint64_t k0 = 0xa0761d6478bd642fULL, k1 = 0xe7037ed1a0b428dbULL, k2 = 0x8ebc6af09c88c6e3ULL;
  const auto load = [](const char* p, std::size_t n) {
    std::uint64_t word = 0;
    std::memcpy(&word, p, n);
    return word;
  };
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t state = seed ^ k0;
  for (; left > 16; p += 16, left -= 16) state = mix64(load(p, 8) ^ k1, load(p + 8, 8) ^ state);
  const std::uint64_t low = load(p, left < 8 ? left : 8);
  const std::uint64_t high = left > 8 ? load(p + 8, left - 8) : 0;
  return mix64(k2 ^ bytes.size(), mix64(low ^ k1, high ^ state));
}

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return hash64(s); }
};

}  // namespace headgate
