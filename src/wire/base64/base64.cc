#include "wire/base64/base64.h"

#include <array>
#include <cstdint>

namespace headgate::wire::base64 {
namespace {

constexpr std::string_view kStandard =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrl =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

using Values = std::array<std::uint8_t, 256>;
constexpr std::uint8_t kNone = 0xff;

constexpr Values values_of(std::string_view alphabet) {
  Values values{};
  values.fill(kNone);
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    values[static_cast<unsigned char>(alphabet[i])] = static_cast<std::uint8_t>(i);
  return values;
}
constexpr Values kStandardValues = values_of(kStandard);
constexpr Values kUrlValues = values_of(kUrl);

std::uint32_t byte_at(std::string_view bytes, std::size_t at) {
  return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
}

void append(std::string& out, std::string_view bytes, std::string_view alphabet, bool padded) {
  out.reserve(out.size() + encoded_bytes(bytes.size()));
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    const std::uint32_t word =
        byte_at(bytes, at) << 16 | byte_at(bytes, at + 1) << 8 | byte_at(bytes, at + 2);
    const std::size_t letters = std::min<std::size_t>(bytes.size() - at, 3) + 1;
    for (std::size_t i = 0; i < letters; ++i) out += alphabet[word >> (18 - 6 * i) & 63];
    if (padded) out.append(4 - letters, '=');
  }
}

// `text` is without padding.
std::optional<std::string> decode_letters(std::string_view text, const Values& values) {
  if (text.size() % 4 == 1) return std::nullopt;
  std::string out;
  out.reserve(text.size() / 4 * 3 + 2);
  std::uint32_t held = 0;
  int held_bits = 0;
  for (const char c : text) {
    const std::uint8_t value = values[static_cast<unsigned char>(c)];
    if (value == kNone) return std::nullopt;
    held = held << 6 | value;
    held_bits += 6;
    if (held_bits < 8) continue;
    held_bits -= 8;
    out += static_cast<char>(held >> held_bits & 0xff);
    held &= (1U << held_bits) - 1;
  }
  if (held != 0) return std::nullopt;
  return out;
}

}  // namespace

void append_encoded(std::string& out, std::string_view bytes) {
  append(out, bytes, kStandard, true);
}
void append_encoded_url(std::string& out, std::string_view bytes) {
  append(out, bytes, kUrl, false);
}

std::string encode(std::string_view bytes) {
  std::string out;
  append_encoded(out, bytes);
  return out;
}

std::string encode_url(std::string_view bytes) {
  std::string out;
  append_encoded_url(out, bytes);
  return out;
}

std::optional<std::string> decode(std::string_view text) {
  if (text.size() % 4 != 0) return std::nullopt;
  if (text.ends_with("==")) text.remove_suffix(1);
  if (text.ends_with('=')) text.remove_suffix(1);
  return decode_letters(text, kStandardValues);
}

std::optional<std::string> decode_url(std::string_view text) {
  return decode_letters(text, kUrlValues);
}

}  // namespace headgate::wire::base64
