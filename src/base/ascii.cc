#include "base/ascii.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <numeric>
#include <vector>

#include "base/append.h"

namespace headgate {

std::string to_lower(std::string_view s) {
  std::string out(s);
  for (char& c : out) c = to_lower(c);
  return out;
}

void append_decimal(std::string& out, std::uint64_t value) {
  const std::size_t digits = decimal_digits(value);
  append_with(out, digits, [&](char* at) { put_decimal(at, value, digits); });
}

namespace {
constexpr char kDigits[] = "0123456789abcdef";

constexpr auto kHexPairs = [] {
  std::array<char, 512> pairs{};
  for (std::size_t byte = 0; byte < 256; ++byte) {
    pairs[2 * byte] = kDigits[byte >> 4];
    pairs[2 * byte + 1] = kDigits[byte & 15];
  }
  return pairs;
}();
}  // namespace

char* write_hex16(char* at, std::uint64_t value) {
  for (int shift = 56; shift >= 0; shift -= 8, at += 2) std::memcpy(at, &kHexPairs[(value >> shift & 255) * 2], 2);
  return at;
}

void append_hex(std::string& out, std::uint64_t value, int digits_min) {
  char text[16];
  int at = 16;
  for (; value != 0; value >>= 4) text[--at] = kDigits[value & 15];
  while (16 - at < digits_min && at > 0) text[--at] = '0';
  out.append(text + at, static_cast<std::size_t>(16 - at));
}

namespace {
// Optimal string alignment distance: insertions, deletions, substitutions and swaps of neighbours cost one each.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before(b.size() + 1), last(b.size() + 1), row(b.size() + 1);
  std::iota(last.begin(), last.end(), std::size_t{0});
  for (std::size_t i = 1; i <= a.size(); ++i) {
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const bool same = to_lower(a[i - 1]) == to_lower(b[j - 1]);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before.swap(last);
    last.swap(row);
  }
  return last[b.size()];
}
}  // namespace

std::optional<std::string_view> nearest_name(std::string_view name, const std::string_view* candidates,
                                             std::size_t count) {
  std::optional<std::string_view> best;
  std::size_t best_distance = std::max<std::size_t>(2, name.size() / 3) + 1;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t distance = edit_distance(name, candidates[i]);
    if (distance >= best_distance) continue;
    best_distance = distance;
    best = candidates[i];
  }
  return best;
}

}  // namespace headgate
