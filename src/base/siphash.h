#pragma once
// SipHash with 128 bits of output (Aumasson, Bernstein 2012): a keyed hash whose collisions nobody
// finds who does not know the key, the same on every machine. For tables that strangers fill and
// for what is stored on disk beside the key; not for signatures. Pure, any thread.
#include <bit>
#include <cstdint>
#include <cstring>
#include <string_view>

namespace headgate {

struct SipKey {
  std::uint64_t low = 0, high = 0;  // secret and random
};

struct Hash128 {
  std::uint64_t low = 0, high = 0;
  friend constexpr bool operator==(Hash128, Hash128) = default;
};

// kRounds for each 8 bytes, kFinal at each end: 1 and 3 resist collisions in tables; 2 and 4 are
// the first published choice.
template <int kRounds = 1, int kFinal = 3>
class SipHash {
 public:
  static Hash128 hash(std::string_view bytes, SipKey key) {
    SipHash state(key);
    std::size_t at = 0;
    for (; at + 8 <= bytes.size(); at += 8) state.absorb(load(bytes.data() + at, 8));
    state.absorb(load(bytes.data() + at, bytes.size() - at) |
                 static_cast<std::uint64_t>(bytes.size()) << 56);
    state.v2_ ^= 0xee;
    const std::uint64_t low = state.squeeze();
    state.v1_ ^= 0xdd;
    return {low, state.squeeze()};
  }

 private:
  explicit constexpr SipHash(SipKey key)
      : v0_(key.low ^ 0x736f6d6570736575ULL),
        v1_(key.high ^ 0x646f72616e646f6dULL ^ 0xee),
        v2_(key.low ^ 0x6c7967656e657261ULL),
        v3_(key.high ^ 0x7465646279746573ULL) {}

  static_assert(std::endian::native == std::endian::little, "words are read as they lie");

  // At most 8 bytes, the lowest first.
  static std::uint64_t load(const char* bytes, std::size_t count) {
    std::uint64_t word = 0;
    if (count > 0) std::memcpy(&word, bytes, count);
    return word;
  }

  constexpr void absorb(std::uint64_t word) {
    v3_ ^= word;
    for (int i = 0; i < kRounds; ++i) round();
    v0_ ^= word;
  }

  constexpr std::uint64_t squeeze() {
    for (int i = 0; i < kFinal; ++i) round();
    return v0_ ^ v1_ ^ v2_ ^ v3_;
  }

  constexpr void round() {
    v0_ += v1_, v2_ += v3_;
    v1_ = std::rotl(v1_, 13) ^ v0_, v3_ = std::rotl(v3_, 16) ^ v2_;
    v0_ = std::rotl(v0_, 32);
    v2_ += v1_, v0_ += v3_;
    v1_ = std::rotl(v1_, 17) ^ v2_, v3_ = std::rotl(v3_, 21) ^ v0_;
    v2_ = std::rotl(v2_, 32);
  }

  std::uint64_t v0_, v1_, v2_, v3_;
};

}  // namespace headgate
