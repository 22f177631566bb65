#pragma once
// ASCII text as protocols use it: no locale, no Unicode, no allocation unless a string is returned.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || is_upper(c); }
constexpr char to_lower(char c) { return is_upper(c) ? static_cast<char>(c | 0x20) : c; }
constexpr int hex_value(char c) {  // -1 when it is none
  if (is_digit(c)) return c - '0';
  const char l = to_lower(c);
  return l >= 'a' && l <= 'f' ? l - 'a' + 10 : -1;
}

constexpr bool equals_ignore_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (to_lower(a[i]) != to_lower(b[i])) return false;
  return true;
}

// Optional white space of HTTP (RFC 9110 §5.6.3): space and tab.
constexpr std::string_view trim_ows(std::string_view s) {
  while (!s.empty() && (s.front() == ' ' || s.front() == '\t')) s.remove_prefix(1);
  while (!s.empty() && (s.back() == ' ' || s.back() == '\t')) s.remove_suffix(1);
  return s;
}

// Digits only: no sign, no space, no empty text, no overflow.
constexpr std::optional<std::uint64_t> parse_decimal(std::string_view s) {
  if (s.empty() || s.size() > 20) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : s) {
    if (!is_digit(c)) return std::nullopt;
    const std::uint64_t digit = static_cast<std::uint64_t>(c - '0');
    if (value > (UINT64_MAX - digit) / 10) return std::nullopt;
    value = value * 10 + digit;
  }
  return value;
}

// Takes the text up to `separator` off the front of `rest`; the last piece leaves `rest` empty.
constexpr std::string_view take_until(std::string_view& rest, char separator) {
  const std::size_t at = rest.find(separator);
  const std::string_view piece = rest.substr(0, at);
  rest.remove_prefix(at == std::string_view::npos ? rest.size() : at + 1);
  return piece;
}

std::string to_lower(std::string_view s);
// Appends without allocating when `out` has room.
void append_decimal(std::string& out, std::uint64_t value);
void append_hex(std::string& out, std::uint64_t value, int digits_min = 1);
char* write_hex16(char* at, std::uint64_t value);  // 16 lower-case digits; returns what is behind them
// The nearest of `candidates` by edit distance, if near enough to be a typing mistake.
std::optional<std::string_view> nearest_name(std::string_view name, const std::string_view* candidates,
                                             std::size_t count);

}  // namespace headgate
