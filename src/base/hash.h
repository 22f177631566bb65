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
  const auto load8 = [](const char* p) {
    std::uint64_t word;
    std::memcpy(&word, p, 8);
    return word;
  };
  const auto load4 = [](const char* p) {
    std::uint32_t word;
    std::memcpy(&word, p, 4);
    return std::uint64_t{word};
  };
  const char* p = bytes.data();
  std::size_t left = bytes.size();
  std::uint64_t state = seed ^ k0;
  for (; left > 16; p += 16, left -= 16) state = mix64(load8(p) ^ k1, load8(p + 8) ^ state);
  // The rest is read as two words that overlap where it is short; the length, mixed in below, tells such texts apart.
  std::uint64_t low = 0, high = 0;
  if (left >= 8) {
    low = load8(p);
    high = load8(p + left - 8);
  } else if (left >= 4) {
    low = load4(p);
    high = load4(p + left - 4);
  } else if (left > 0) {
    const auto byte = [&](std::size_t at) { return std::uint64_t{static_cast<unsigned char>(p[at])}; };
    low = byte(0) << 16 | byte(left / 2) << 8 | byte(left - 1);
  }
  return mix64(k2 ^ bytes.size(), mix64(low ^ k1, high ^ state));
}

struct StringHash {
  using is_transparent = void;
  std::size_t operator()(std::string_view s) const { return hash64(s); }
};

}  // namespace headgate
