#include "wire/traceparent/traceparent.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace headgate::wire::traceparent {
namespace {

constexpr std::size_t kMembersMax = 32;

std::optional<std::uint64_t> parse_hex(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) {
    const int digit = is_upper(c) ? -1 : hex_value(c);
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<std::uint64_t>(digit);
  }
  return value;
}

bool is_lower_alpha(char c) { return c >= 'a' && c <= 'z'; }

bool are_key_letters(std::string_view text, std::size_t size_max) {
  return !text.empty() && text.size() <= size_max && std::ranges::all_of(text, [](char c) {
    return is_lower_alpha(c) || is_digit(c) || c == '_' || c == '-' || c == '*' || c == '/';
  });
}

// simple-key, or tenant "@" system.
bool is_key(std::string_view text) {
  const std::size_t at = text.find('@');
  if (at == std::string_view::npos) return are_key_letters(text, 256) && is_lower_alpha(text[0]);
  const std::string_view tenant = text.substr(0, at), system = text.substr(at + 1);
  return are_key_letters(tenant, 241) && (is_lower_alpha(tenant[0]) || is_digit(tenant[0])) &&
         are_key_letters(system, 14) && is_lower_alpha(system[0]);
}

// The end is no blank: the member was trimmed before.
bool is_value(std::string_view text) {
  return !text.empty() && text.size() <= 256 && std::ranges::all_of(text, [](char c) {
    return c >= ' ' && c <= '~' && c != ',' && c != '=';
  });
}

std::uint64_t non_zero(std::uint64_t random) { return random == 0 ? 1 : random; }

}  // namespace

std::optional<Traceparent> parse(std::string_view text) {
  if (text.size() < kTextBytes || text[2] != '-' || text[35] != '-' || text[52] != '-')
    return std::nullopt;
  const auto version = parse_hex(text.substr(0, 2));
  if (!version || *version == 0xff) return std::nullopt;
  if (text.size() > kTextBytes && (*version == 0 || text[kTextBytes] != '-')) return std::nullopt;
  const auto high = parse_hex(text.substr(3, 16)), low = parse_hex(text.substr(19, 16));
  const auto parent = parse_hex(text.substr(36, 16)), flags = parse_hex(text.substr(53, 2));
  if (!high || !low || !parent || !flags || (*high | *low) == 0 || *parent == 0)
    return std::nullopt;
  return Traceparent{*high, *low, *parent,
                     static_cast<std::uint8_t>(*flags & (kSampled | kRandomTraceId))};
}

void append_to(std::string& out, const Traceparent& trace) {
  char text[kTextBytes] = {'0', '0', '-'};
  char* at = write_hex16(write_hex16(text + 3, trace.trace_id_high), trace.trace_id_low);
  *at++ = '-';
  at = write_hex16(at, trace.parent_id);
  *at++ = '-';
  *at++ = "0123456789abcdef"[trace.flags >> 4];
  *at = "0123456789abcdef"[trace.flags & 15];
  out.append(text, sizeof text);
}

std::string to_string(const Traceparent& trace) {
  std::string out;
  append_to(out, trace);
  return out;
}

Traceparent child_of(const Traceparent& parent, std::uint64_t random) {
  Traceparent child = parent;
  child.parent_id = non_zero(random);
  return child;
}

Traceparent new_trace(std::uint64_t random_high, std::uint64_t random_low,
                      std::uint64_t random_span, bool sampled) {
  const auto flags = static_cast<std::uint8_t>(kRandomTraceId | (sampled ? kSampled : 0));
  return {random_high, random_high == 0 ? non_zero(random_low) : random_low, non_zero(random_span),
          flags};
}

bool is_valid_tracestate(std::string_view text) {
  if (text.size() > kTracestateBytesMax) return false;
  std::array<std::string_view, kMembersMax> keys;
  std::size_t used = 0;
  while (!text.empty()) {
    const std::string_view member = trim_ows(take_until(text, ','));
    if (member.empty()) continue;
    const std::size_t equals = member.find('=');
    if (equals == std::string_view::npos || used == kMembersMax) return false;
    const std::string_view key = member.substr(0, equals);
    if (!is_key(key) || !is_value(member.substr(equals + 1))) return false;
    if (std::find(keys.begin(), keys.begin() + used, key) != keys.begin() + used) return false;
    keys[used++] = key;
  }
  return true;
}

}  // namespace headgate::wire::traceparent
