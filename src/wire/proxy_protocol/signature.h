#pragma once
// Constants of the two versions that parser and writer share.
#include <cstddef>
#include <string_view>

namespace headgate::wire::proxy_protocol {

inline constexpr std::string_view kV1Start = "PROXY ";
inline constexpr std::string_view kV2Signature{"\r\n\r\n\0\r\nQUIT\n", 12};
inline constexpr std::size_t kV2FixedBytes = 16;  // signature, version and command, family, length
inline constexpr std::size_t kUnixPathBytes = 108;
inline constexpr unsigned char kTlvCrc32c = 0x03;

}  // namespace headgate::wire::proxy_protocol
