#pragma once
// host[:port] as Host, :authority and absolute-form carry it (RFC 3986 §3.2, RFC 9110 §4.2.1).
// Views into the caller's text. Narrower than reg-name on purpose: a host is a DNS name (letters,
// digits, '-', '_', '.'), an IPv4 address or [IPv6]. User information, an empty host,
// percent-encoding, sub-delimiters ("Host: a, b"), IPv6 zones, an empty port, port 0 are refused,
// and so is a name whose last label is a number but which is no IPv4 address ("127.1",
// "2130706433").
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::wire::http {

inline constexpr std::size_t kHostBytesMax = 255;  // RFC 1035 §2.3.4

struct Authority {
  enum class Kind : std::uint8_t { kName, kIpv4, kIpv6 };
  std::string_view host;              // as received; IPv6 without its brackets
  std::optional<std::uint16_t> port;  // 1..65535
  Kind kind = Kind::kName;
};

std::optional<Authority> parse_authority(std::string_view text);

// `host` itself when it has no upper-case letter, else a lower-case copy in `storage`. A trailing
// dot is kept.
std::string_view lower_host(std::string_view host, std::string& storage);

}  // namespace headgate::wire::http
