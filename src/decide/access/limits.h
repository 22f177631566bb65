#pragma once
// Bounds of what access policies read. The size of a token is bounded by wire/jwt.
#include <cstddef>

namespace headgate::decide::access {

inline constexpr std::size_t kJwksBytesMax = 262144;
inline constexpr std::size_t kJwksKeysMax = 64;
inline constexpr std::size_t kJsonDepthMax = 16;
inline constexpr std::size_t kKeysTriedMax = 8;  // for a token that names no key
inline constexpr int kRsaBitsMin = 2048, kRsaBitsMax = 8192;
inline constexpr std::size_t kUrlKeyBytesMin = 32;
inline constexpr std::size_t kApiKeyBytesMax = 1024;  // longer ones are unknown

}  // namespace headgate::decide::access
