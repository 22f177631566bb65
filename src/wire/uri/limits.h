#pragma once
// Bounds of URI work. The length of a target is bounded where it is read (http1/limits.h, http2).
#include <cstdint>

namespace headgate::wire::uri {

inline constexpr std::uint32_t kQueryPairsMax = 1000;  // pairs beyond are not looked at

}  // namespace headgate::wire::uri
