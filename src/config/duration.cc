#include "config/duration.h"

#include <fmt/format.h>

#include "base/ascii.h"

namespace headgate::config {
namespace {

struct Unit {
  std::string_view text;
  Duration length;
};
// "ms" stands before "m", or it would never be found.
constexpr Unit kUnits[] = {{"ms", 1ms}, {"h", 1h}, {"m", 1min}, {"s", 1s}};
constexpr int kPartsMax = 4;
constexpr std::size_t kDigitsMax = 5;

}  // namespace

std::optional<Duration> parse_duration(std::string_view text) {
  Duration sum = Duration::zero();
  int parts = 0;
  while (!text.empty()) {
    std::size_t digits = 0;
    while (digits < text.size() && is_digit(text[digits])) ++digits;
    if (digits == 0 || digits > kDigitsMax || ++parts > kPartsMax) return std::nullopt;
    const auto count = static_cast<std::int64_t>(*parse_decimal(text.substr(0, digits)));
    text.remove_prefix(digits);
    const Unit* unit = nullptr;
    for (const Unit& candidate : kUnits)
      if (!unit && text.starts_with(candidate.text)) unit = &candidate;
    if (!unit) return std::nullopt;
    text.remove_prefix(unit->text.size());
    sum += count * unit->length;
  }
  if (parts == 0) return std::nullopt;
  return sum;
}

std::string format_duration(Duration duration) {
  std::int64_t ms = duration / 1ms;
  if (ms <= 0) return "0s";
  std::string out;
  const auto part = [&](std::int64_t unit_ms, std::string_view unit) {
    if (ms < unit_ms) return;
    out += fmt::format("{}{}", ms / unit_ms, unit);
    ms %= unit_ms;
  };
  part(3'600'000, "h");
  part(60'000, "m");
  part(1000, "s");
  part(1, "ms");
  return out;
}

}  // namespace headgate::config
