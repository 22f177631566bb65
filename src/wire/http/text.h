#pragma once
// The character classes of HTTP text (RFC 9110 §5.5, §5.6.2), as tables built at compile time.
// Pure, any thread.
#include <array>
#include <string_view>

#include "base/ascii.h"

namespace headgate::wire::http {

using CharTable = std::array<bool, 256>;

// tchar: what a method, a field name and a list token are made of.
inline constexpr CharTable kTokenChars = [] {
  CharTable table{};
  for (const char c : std::string_view("!#$%&'*+-.^_`|~"))
    table[static_cast<unsigned char>(c)] = true;
  for (unsigned c = 0; c < 128; ++c)
    if (is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c))) table[c] = true;
  return table;
}();

// VCHAR, SP, HTAB and obs-text: what a field value is made of. CR, LF, NUL and the other controls
// are not.
inline constexpr CharTable kFieldValueChars = [] {
  CharTable table{};
  for (unsigned c = 0x20; c < 256; ++c) table[c] = c != 0x7f;
  table['\t'] = true;
  return table;
}();

constexpr bool is_token_char(char c) { return kTokenChars[static_cast<unsigned char>(c)]; }
constexpr bool is_field_value_char(char c) {
  return kFieldValueChars[static_cast<unsigned char>(c)];
}

// At least one tchar and nothing else.
constexpr bool is_token(std::string_view text) {
  for (const char c : text)
    if (!is_token_char(c)) return false;
  return !text.empty();
}

// Empty text is a field value. White space at the ends is the caller's to trim (trim_ows).
constexpr bool is_field_value(std::string_view text) {
  for (const char c : text)
    if (!is_field_value_char(c)) return false;
  return true;
}

}  // namespace headgate::wire::http
