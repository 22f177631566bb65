#include "base/siphash.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate {
namespace {

constexpr SipKey kKey{0x0706050403020100ULL, 0x0f0e0d0c0b0a0908ULL};

std::string counting(int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out.push_back(static_cast<char>(i));
  return out;
}

std::string hex(Hash128 hash) {
  std::string out;
  for (const std::uint64_t word : {hash.low, hash.high})
    for (int i = 0; i < 8; ++i) {
      const auto byte = static_cast<unsigned>(word >> (8 * i) & 0xff);
      out += "0123456789abcdef"[byte >> 4];
      out += "0123456789abcdef"[byte & 15];
    }
  return out;
}

TEST(SipHash, TheVectorsOfTheReferenceAreReproduced) {
  EXPECT_EQ(hex(SipHash<2, 4>::hash("", kKey)), "a3817f04ba25a8e66df67214c7550293");
  EXPECT_EQ(hex(SipHash<2, 4>::hash(counting(1), kKey)), "da87c1d86b99af44347659119b22fc45");
  EXPECT_EQ(hex(SipHash<2, 4>::hash(counting(15), kKey)), "5493e99933b0a8117e08ec0f97cfc3d9");
}

TEST(SipHash, EveryByteTheLengthAndTheKeyCount) {
  const std::string text = counting(23);
  const Hash128 hash = SipHash<>::hash(text, kKey);
  for (std::size_t i = 0; i < text.size(); ++i) {
    std::string other = text;
    other[i] = static_cast<char>(other[i] ^ 1);
    EXPECT_FALSE(SipHash<>::hash(other, kKey) == hash) << i;
  }
  EXPECT_FALSE(SipHash<>::hash(text + '\0', kKey) == hash);
  EXPECT_FALSE(SipHash<>::hash(text, {kKey.low, kKey.high ^ 1}) == hash);
  EXPECT_FALSE(SipHash<>::hash(text, {kKey.low ^ 1, kKey.high}) == hash);
}

}  // namespace
}  // namespace headgate
