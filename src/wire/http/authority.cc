#include "wire/http/authority.h"

#include <arpa/inet.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/ascii.h"

namespace headgate::wire::http {
namespace {

constexpr auto kHostChars = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0; c < 128; ++c)
    table[c] = is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c));
  table['-'] = table['_'] = table['.'] = true;
  return table;
}();

bool all_digits(std::string_view text) {
  for (const char c : text)
    if (!is_digit(c)) return false;
  return !text.empty();
}

// Four decimal octets without leading zeros: other spellings mean different addresses to different
// programs.
bool is_ipv4(std::string_view host) {
  int octets = 0, digits = 0, value = 0;
  for (const char c : host) {
    if (c == '.') {
      if (digits == 0) return false;
      ++octets;
      digits = value = 0;
      continue;
    }
    if (!is_digit(c) || (digits > 0 && value == 0)) return false;
    value = value * 10 + (c - '0');
    if (++digits > 3 || value > 255) return false;
  }
  return octets == 3 && digits > 0;
}

bool is_ipv6(std::string_view text) {
  char copy[INET6_ADDRSTRLEN];
  if (text.empty() || text.size() >= sizeof copy || text.find('\0') != std::string_view::npos)
    return false;
  std::memcpy(copy, text.data(), text.size());
  copy[text.size()] = '\0';
  in6_addr address;
  return inet_pton(AF_INET6, copy, &address) == 1;
}

// Characters and labels; a trailing dot is the root label.
bool is_name(std::string_view host) {
  if (host.empty() || host.size() > kHostBytesMax) return false;
  char before = '.';
  for (const char c : host) {
    if (!kHostChars[static_cast<unsigned char>(c)] || (c == '.' && before == '.')) return false;
    before = c;
  }
  return true;
}

bool ends_in_number(std::string_view host) {
  if (host.ends_with('.')) host.remove_suffix(1);
  const std::size_t dot = host.rfind('.');
  return all_digits(dot == std::string_view::npos ? host : host.substr(dot + 1));
}

std::optional<std::uint16_t> parse_port(std::string_view text) {
  if (text.size() > 5) return std::nullopt;
  std::uint32_t port = 0;
  for (const char c : text) {
    if (!is_digit(c)) return std::nullopt;
    port = port * 10 + static_cast<std::uint32_t>(c - '0');
  }
  if (port == 0 || port > 65535) return std::nullopt;
  return static_cast<std::uint16_t>(port);
}

// Splits off the port; false when there is one and it is wrong.
bool take_port(std::string_view rest, Authority& out) {
  if (rest.empty()) return true;
  if (rest[0] != ':') return false;
  out.port = parse_port(rest.substr(1));
  return out.port.has_value();
}

std::optional<Authority> parse_bracketed(std::string_view text) {
  const std::size_t close = text.find(']');
  if (close == std::string_view::npos) return std::nullopt;
  Authority out{.host = text.substr(1, close - 1), .port = {}, .kind = Authority::Kind::kIpv6};
  if (!is_ipv6(out.host) || !take_port(text.substr(close + 1), out)) return std::nullopt;
  return out;
}

}  // namespace

std::optional<Authority> parse_authority(std::string_view text) {
  if (text.starts_with('[')) return parse_bracketed(text);
  std::size_t colon = 0;
  while (colon < text.size() && text[colon] != ':') ++colon;
  Authority out{.host = text.substr(0, colon), .port = {}, .kind = Authority::Kind::kName};
  // A name is most often told from an address by its first letter.
  if (is_ipv4(out.host))
    out.kind = Authority::Kind::kIpv4;
  else if (!is_name(out.host) || ends_in_number(out.host))
    return std::nullopt;
  if (!take_port(text.substr(colon), out)) return std::nullopt;
  return out;
}

std::string_view lower_host(std::string_view host, std::string& storage) {
  for (const char c : host) {
    if (!is_upper(c)) continue;
    storage = to_lower(host);
    return storage;
  }
  return host;
}

}  // namespace headgate::wire::http
