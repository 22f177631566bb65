#include "wire/ip/address.h"

#include <algorithm>
#include <cstring>

#include "base/ascii.h"
#include "base/hash.h"

namespace headgate::wire::ip {
namespace {

constexpr std::array<std::uint8_t, 12> kMapped = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

// Decimal without leading zeros, at most `max`.
std::optional<std::uint32_t> parse_small(std::string_view text, std::uint32_t max) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  const auto value = parse_decimal(text);
  if (!value || *value > max) return std::nullopt;
  return static_cast<std::uint32_t>(*value);
}

bool parse_ipv4(std::string_view text, std::uint8_t* out) {
  if (text.size() > 15 || std::ranges::count(text, '.') != 3) return false;
  for (int i = 0; i < 4; ++i) {
    const auto part = parse_small(take_until(text, '.'), 255);
    if (!part) return false;
    out[i] = static_cast<std::uint8_t>(*part);
  }
  return true;
}

bool parse_group(std::string_view text, std::uint8_t* out) {
  if (text.empty() || text.size() > 4) return false;
  unsigned value = 0;
  for (const char c : text) {
    const int digit = hex_value(c);
    if (digit < 0) return false;
    value = value << 4 | static_cast<unsigned>(digit);
  }
  out[0] = static_cast<std::uint8_t>(value >> 8);
  out[1] = static_cast<std::uint8_t>(value);
  return true;
}

// Groups between colons, without "::"; the last may be dotted when `dotted_allowed`. Bytes written,
// or none when malformed.
std::optional<std::size_t> parse_groups(std::string_view text, bool dotted_allowed,
                                        std::uint8_t* out) {
  std::size_t used = 0;
  if (text.empty()) return used;
  for (;;) {
    const std::size_t colon = text.find(':');
    const std::string_view group = text.substr(0, colon);
    const bool last = colon == std::string_view::npos;
    if (last && dotted_allowed && group.find('.') != std::string_view::npos) {
      if (used > 12 || !parse_ipv4(group, out + used)) return std::nullopt;
      return used + 4;
    }
    if (used > 14 || !parse_group(group, out + used)) return std::nullopt;
    used += 2;
    if (last) return used;
    text.remove_prefix(colon + 1);
  }
}

bool parse_ipv6(std::string_view text, std::array<std::uint8_t, 16>& out) {
  if (text.size() > kTextBytesMax) return false;
  const std::size_t gap = text.find("::");
  if (gap == std::string_view::npos) return parse_groups(text, true, out.data()) == 16;
  std::array<std::uint8_t, 16> tail{};
  const auto head_bytes = parse_groups(text.substr(0, gap), false, out.data());
  const auto tail_bytes = parse_groups(text.substr(gap + 2), true, tail.data());
  // "::" stands for at least one group.
  if (!head_bytes || !tail_bytes || *head_bytes + *tail_bytes > 14) return false;
  std::copy_n(tail.begin(), *tail_bytes, out.end() - static_cast<std::ptrdiff_t>(*tail_bytes));
  return true;
}

unsigned group_at(const IpAddress& address, int i) {
  return static_cast<unsigned>(address.bytes[2 * i] << 8 | address.bytes[2 * i + 1]);
}

struct Gap {
  int from = -1, length = 1;  // a single zero group is not shortened (RFC 5952 §4.2.2)
};

Gap longest_gap(const IpAddress& address) {
  Gap best;
  for (int i = 0; i < 8;) {
    int end = i;
    while (end < 8 && group_at(address, end) == 0) ++end;
    if (end - i > best.length) best = {i, end - i};
    i = std::max(end, i + 1);
  }
  return best;
}

void append_ipv6(std::string& out, const IpAddress& address) {
  const Gap gap = longest_gap(address);
  for (int i = 0; i < 8; ++i) {
    if (i == gap.from) {
      out += "::";
      i += gap.length - 1;
      continue;
    }
    if (i != 0 && i != gap.from + gap.length) out += ':';
    append_hex(out, group_at(address, i));
  }
}

}  // namespace

IpAddress from_ipv6_bytes(const std::array<std::uint8_t, 16>& bytes) {
  if (!std::equal(kMapped.begin(), kMapped.end(), bytes.begin())) return {bytes, true};
  return ipv4(bytes[12], bytes[13], bytes[14], bytes[15]);
}

std::array<std::uint8_t, 16> to_ipv6_bytes(const IpAddress& address) {
  if (address.v6) return address.bytes;
  std::array<std::uint8_t, 16> out{};
  std::copy(kMapped.begin(), kMapped.end(), out.begin());
  std::copy_n(address.bytes.begin(), 4, out.begin() + 12);
  return out;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  IpAddress address;
  if (text.find(':') == std::string_view::npos) {
    if (!parse_ipv4(text, address.bytes.data())) return std::nullopt;
    return address;
  }
  if (!parse_ipv6(text, address.bytes)) return std::nullopt;
  return from_ipv6_bytes(address.bytes);
}

std::optional<Endpoint> parse_endpoint(std::string_view text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return std::nullopt;
  const auto port = parse_small(text.substr(colon + 1), 65535);
  std::string_view host = text.substr(0, colon);
  const bool v6 = host.find(':') != std::string_view::npos;
  if (v6) {
    if (host.front() != '[' || host.back() != ']') return std::nullopt;
    host = host.substr(1, host.size() - 2);
  }
  const auto address = parse_ip(host);
  if (!port || !address) return std::nullopt;
  return Endpoint{*address, static_cast<std::uint16_t>(*port)};
}

std::optional<Prefix> parse_prefix(std::string_view text) {
  const std::size_t slash = text.find('/');
  const std::string_view host = text.substr(0, slash);
  const auto address = parse_ip(host);
  if (!address) return std::nullopt;
  if (slash == std::string_view::npos) return Prefix{*address, address->bits()};
  const bool v6_text = host.find(':') != std::string_view::npos;
  const auto written = parse_small(text.substr(slash + 1), v6_text ? 128 : 32);
  if (!written) return std::nullopt;
  int bits = static_cast<int>(*written);
  IpAddress network = *address;
  if (v6_text && !network.v6) {
    if (bits >= 96) {
      bits -= 96;
    } else {
      network = {to_ipv6_bytes(network), true};
    }
  }
  if (masked(network, bits) != network) return std::nullopt;
  return Prefix{network, bits};
}

void append_to(std::string& out, const IpAddress& address) {
  if (address.v6) return append_ipv6(out, address);
  for (std::size_t i = 0; i < 4; ++i) {
    if (i != 0) out += '.';
    append_decimal(out, address.bytes[i]);
  }
}

void append_to(std::string& out, const Endpoint& endpoint) {
  if (endpoint.address.v6) out += '[';
  append_to(out, endpoint.address);
  out += endpoint.address.v6 ? "]:" : ":";
  append_decimal(out, endpoint.port);
}

void append_to(std::string& out, const Prefix& prefix) {
  append_to(out, prefix.network);
  out += '/';
  append_decimal(out, static_cast<std::uint64_t>(prefix.bits));
}

std::string to_string(const IpAddress& address) {
  std::string out;
  append_to(out, address);
  return out;
}

std::string to_string(const Endpoint& endpoint) {
  std::string out;
  append_to(out, endpoint);
  return out;
}

std::string to_string(const Prefix& prefix) {
  std::string out;
  append_to(out, prefix);
  return out;
}

IpAddress masked(const IpAddress& address, int bits) {
  IpAddress out = address;
  for (int i = 0; i < static_cast<int>(address.size()); ++i) {
    const int kept = std::clamp(bits - 8 * i, 0, 8);
    out.bytes[static_cast<std::size_t>(i)] &= static_cast<std::uint8_t>(0xff00 >> kept);
  }
  return out;
}

bool contains(const Prefix& prefix, const IpAddress& address) {
  if (prefix.network.v6 != address.v6) return false;
  const std::size_t whole = static_cast<std::size_t>(prefix.bits / 8);
  if (std::memcmp(prefix.network.bytes.data(), address.bytes.data(), whole) != 0) return false;
  const int rest = prefix.bits % 8;
  if (rest == 0) return true;
  const auto mask = static_cast<std::uint8_t>(0xff00 >> rest);
  return (address.bytes[whole] & mask) == prefix.network.bytes[whole];
}

bool is_loopback(const IpAddress& address) {
  if (!address.v6) return address.bytes[0] == 127;
  return address.bytes[15] == 1 && std::all_of(address.bytes.begin(), address.bytes.end() - 1,
                                               [](std::uint8_t b) { return b == 0; });
}

bool is_unspecified(const IpAddress& address) {
  return std::ranges::all_of(address.bytes, [](std::uint8_t b) { return b == 0; });
}

std::uint64_t hash_of(const IpAddress& address, std::uint64_t seed) {
  return hash64({reinterpret_cast<const char*>(address.bytes.data()), address.size()}, seed);
}

std::uint64_t hash_of(const Endpoint& endpoint, std::uint64_t seed) {
  return scramble64(hash_of(endpoint.address, seed) + endpoint.port);
}

}  // namespace headgate::wire::ip
