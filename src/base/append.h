#pragma once
// Text of several pieces at the end of a string, in one growth: how long it gets is known before it
// is written, so that a piece costs its copy and nothing else. Allocates only when `out` has no
// room.
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <string>
#include <string_view>

namespace headgate {

// Copies to `at`; returns what is behind the copy.
inline char* put(char* at, std::string_view text) {
  if (!text.empty()) std::memcpy(at, text.data(), text.size());
  return at + text.size();
}

constexpr std::size_t decimal_digits(std::uint64_t value) {
  std::size_t digits = 1;
  for (; value >= 10; value /= 10) ++digits;
  return digits;
}

// `digits`: decimal_digits(value). Returns what is behind them.
constexpr char* put_decimal(char* at, std::uint64_t value, std::size_t digits) {
  char* const end = at + digits;
  for (char* digit = end; digit != at; value /= 10) *--digit = static_cast<char>('0' + value % 10);
  return end;
}

// `write(char*)` fills exactly `bytes`.
template <typename Write>
void append_with(std::string& out, std::size_t bytes, Write write) {
  const std::size_t before = out.size();
  out.resize_and_overwrite(
      before + bytes,
      [&](char* text, std::size_t) {  // libstdc++ 12 may offer more than was asked for
        write(text + before);
        return before + bytes;
      });
}

inline void append_all(std::string& out, std::initializer_list<std::string_view> pieces) {
  std::size_t bytes = 0;
  for (const std::string_view piece : pieces) bytes += piece.size();
  append_with(out, bytes, [&](char* at) {
    for (const std::string_view piece : pieces) at = put(at, piece);
  });
}

}  // namespace headgate
