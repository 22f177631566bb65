#pragma once
// CRC-32C (Castagnoli; RFC 9260, appendix A), by the processor's instruction where it has one. Finds every
// error burst of up to 32 bits, and any other damage but one in four thousand million. No protection
// against forgery: that is what the secret salt of a segment is for (segment.h). Any thread.
#include <cstdint>
#include <string_view>

namespace headgate::store::disk {

// Of bytes in several calls: pass what the call before returned. Another first `seed` gives
// checksums that do not pass for each other's.
std::uint32_t crc32c(std::string_view bytes, std::uint32_t seed = 0);

namespace detail {
std::uint32_t crc32c_by_table(std::string_view bytes, std::uint32_t seed);
}

}  // namespace headgate::store::disk
