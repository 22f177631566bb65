#pragma once
// CRC-32C (Castagnoli), reflected, as iSCSI (RFC 3720 §12.1) and the PROXY protocol use it. Feed
// pieces in order: crc32c(b, crc32c(a)) is the checksum of a followed by b.
#include <array>
#include <cstdint>
#include <string_view>

namespace headgate::wire::proxy_protocol {

constexpr std::array<std::uint32_t, 256> make_crc32c_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t i = 0; i < 256; ++i) {
    std::uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78U : 0U);
    table[i] = crc;
  }
  return table;
}
inline constexpr auto kCrc32cTable = make_crc32c_table();

constexpr std::uint32_t crc32c(std::string_view bytes, std::uint32_t before = 0) {
  std::uint32_t crc = ~before;
  for (const char c : bytes)
    crc = kCrc32cTable[(crc ^ static_cast<unsigned char>(c)) & 0xff] ^ (crc >> 8);
  return ~crc;
}
static_assert(crc32c("123456789") == 0xe3069283U);

}  // namespace headgate::wire::proxy_protocol
