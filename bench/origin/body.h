#pragma once
// The bytes that the origin serves: letters that follow from the position alone, such that bytes
// which are shifted, swapped, repeated or left out are noticed by a comparison.
#include <cstddef>
#include <cstdint>
#include <string>

namespace headgate::bench {

inline std::string body_of(std::size_t bytes) {
  std::string body(bytes, ' ');
  std::uint64_t state = 0;
  for (char& byte : body) {
    state = state * 6364136223846793005U + 1442695040888963407U;
    byte = static_cast<char>('a' + (state >> 33) % 26);
  }
  return body;
}

}  // namespace headgate::bench
