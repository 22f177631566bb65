#pragma once
// IP addresses, endpoints and CIDR prefixes as plain values: no sockets, no names, no zone
// identifiers. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) becomes IPv4 wherever a value is made
// here, so the same host is always the same value in address lists, rate-limit keys and logs.
// Nothing allocates unless it returns a string.
#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::wire::ip {

// IPv4 uses the first four bytes, network order; the others are zero.
struct IpAddress {
  std::array<std::uint8_t, 16> bytes{};
  bool v6 = false;

  constexpr int bits() const { return v6 ? 128 : 32; }
  constexpr std::size_t size() const { return v6 ? 16 : 4; }
  friend constexpr auto operator<=>(const IpAddress&, const IpAddress&) = default;
};

struct Endpoint {
  IpAddress address;
  std::uint16_t port = 0;
  friend constexpr auto operator<=>(const Endpoint&, const Endpoint&) = default;
};

// Every bit past `bits` of `network` is zero; bits <= network.bits().
struct Prefix {
  IpAddress network;
  int bits = 0;
  friend constexpr auto operator<=>(const Prefix&, const Prefix&) = default;
};

inline constexpr std::size_t kTextBytesMax =
    45;  // longest text of an address, without brackets and port

constexpr IpAddress ipv4(std::uint8_t a, std::uint8_t b, std::uint8_t c, std::uint8_t d) {
  return {{a, b, c, d}, false};
}
// Normalises a mapped address to IPv4.
IpAddress from_ipv6_bytes(const std::array<std::uint8_t, 16>& bytes);
// 16 bytes as IPv6 has them; an IPv4 address is mapped.
std::array<std::uint8_t, 16> to_ipv6_bytes(const IpAddress& address);

// Dotted decimal of four parts without leading zeros, or RFC 4291 §2.2 text. No brackets, no zone,
// no white space.
std::optional<IpAddress> parse_ip(std::string_view text);
// "192.0.2.1:80" or "[2001:db8::1]:80"; the port is 0-65535 in decimal.
std::optional<Endpoint> parse_endpoint(std::string_view text);
// "10.0.0.0/8"; an address alone is the prefix that holds just it. Set bits past the length are
// refused: such a text says two different things. A mapped prefix of at least 96 bits becomes the
// IPv4 one.
std::optional<Prefix> parse_prefix(std::string_view text);

// RFC 5952 text.
void append_to(std::string& out, const IpAddress& address);
void append_to(std::string& out, const Endpoint& endpoint);
void append_to(std::string& out, const Prefix& prefix);
std::string to_string(const IpAddress& address);
std::string to_string(const Endpoint& endpoint);
std::string to_string(const Prefix& prefix);

// The first `bits` bits, the others zero; `bits` beyond the address's own keeps all of them.
IpAddress masked(const IpAddress& address, int bits);
// Families never match each other: ::/0 does not hold an IPv4 address.
bool contains(const Prefix& prefix, const IpAddress& address);

bool is_loopback(const IpAddress& address);     // 127.0.0.0/8, ::1
bool is_unspecified(const IpAddress& address);  // 0.0.0.0, ::

// Seeded, so that a table which peers can fill resists chosen keys.
std::uint64_t hash_of(const IpAddress& address, std::uint64_t seed = 0);
std::uint64_t hash_of(const Endpoint& endpoint, std::uint64_t seed = 0);

}  // namespace headgate::wire::ip

template <>
struct std::hash<headgate::wire::ip::IpAddress> {
  std::size_t operator()(const headgate::wire::ip::IpAddress& a) const {
    return headgate::wire::ip::hash_of(a);
  }
};
template <>
struct std::hash<headgate::wire::ip::Endpoint> {
  std::size_t operator()(const headgate::wire::ip::Endpoint& e) const {
    return headgate::wire::ip::hash_of(e);
  }
};
