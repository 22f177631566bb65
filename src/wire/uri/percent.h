#pragma once
// Percent-encoding (RFC 3986 §2.1) and the character classes of URIs as one table. Pure, any
// thread.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/ascii.h"

namespace headgate::wire::uri {

enum CharClass : std::uint8_t {
  kUnreserved = 1,  // ALPHA DIGIT - . _ ~
  kPathChar = 2,    // pchar without "%", and "/" (RFC 3986 §3.3)
  kQueryChar = 4,   // pchar without "%", "/" and "?" (§3.4)
};

inline constexpr auto kCharClasses = [] {
  std::array<std::uint8_t, 256> table{};
  for (unsigned c = 0; c < 128; ++c)
    if (is_alpha(static_cast<char>(c)) || is_digit(static_cast<char>(c)))
      table[c] = kUnreserved | kPathChar | kQueryChar;
  for (const char c : std::string_view("-._~"))
    table[static_cast<unsigned char>(c)] = kUnreserved | kPathChar | kQueryChar;
  for (const char c : std::string_view("!$&'()*+,;=:@/"))
    table[static_cast<unsigned char>(c)] = kPathChar | kQueryChar;
  table['?'] = kQueryChar;
  return table;
}();

constexpr bool is_of(char c, CharClass wanted) {
  return (kCharClasses[static_cast<unsigned char>(c)] & wanted) != 0;
}

// The byte that "%XX" at text[at] stands for; -1 when it is no valid escape.
constexpr int escaped_byte(std::string_view text, std::size_t at) {
  if (text.size() - at < 3) return -1;
  const int high = hex_value(text[at + 1]), low = hex_value(text[at + 2]);
  return high < 0 || low < 0 ? -1 : high * 16 + low;
}

// "%XX" with upper-case digits (RFC 3986 §2.1).
void append_escape(std::string& out, unsigned char byte);

// Appends `text`; every byte outside `plain` (kUnreserved: safe anywhere in a URI) is escaped.
void percent_encode(std::string& out, std::string_view text, CharClass plain = kUnreserved);

// Appends the decoded text; false, with `out` as it was, when an escape is malformed.
bool percent_decode(std::string& out, std::string_view text);

}  // namespace headgate::wire::uri
