#include "wire/grpc/status.h"

#include <algorithm>
#include <array>

#include "base/ascii.h"

namespace headgate::wire::grpc {
namespace {

constexpr std::array<std::string_view, kStatusCodes> kNames = {
    "OK",        "CANCELLED",      "UNKNOWN",           "INVALID_ARGUMENT",   "DEADLINE_EXCEEDED",
    "NOT_FOUND", "ALREADY_EXISTS", "PERMISSION_DENIED", "RESOURCE_EXHAUSTED", "FAILED_PRECONDITION",
    "ABORTED",   "OUT_OF_RANGE",   "UNIMPLEMENTED",     "INTERNAL",           "UNAVAILABLE",
    "DATA_LOSS", "UNAUTHENTICATED"};

struct Unit {
  char letter;
  std::int64_t ns;
};
constexpr Unit kUnits[] = {{'n', 1},
                           {'u', 1'000},
                           {'m', 1'000'000},
                           {'S', 1'000'000'000},
                           {'M', 60'000'000'000},
                           {'H', 3'600'000'000'000}};
constexpr std::int64_t kTimeoutMax = 99'999'999;

}  // namespace

std::string_view name_of(StatusCode code) { return kNames[static_cast<std::size_t>(code)]; }

std::optional<StatusCode> status_by_name(std::string_view name) {
  const auto at = std::ranges::find(kNames, name);
  if (at == kNames.end()) return std::nullopt;
  return static_cast<StatusCode>(at - kNames.begin());
}

std::optional<StatusCode> parse_status(std::string_view text) {
  const auto value = parse_decimal(text);
  if (!value || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  return *value < kStatusCodes ? static_cast<StatusCode>(*value) : StatusCode::kUnknown;
}

StatusCode status_of_http(int http_status) {
  switch (http_status) {
    case 400: return StatusCode::kInternal;
    case 401: return StatusCode::kUnauthenticated;
    case 403: return StatusCode::kPermissionDenied;
    case 404: return StatusCode::kUnimplemented;
    case 429:
    case 502:
    case 503:
    case 504: return StatusCode::kUnavailable;
    default: return StatusCode::kUnknown;
  }
}

bool is_grpc(std::string_view content_type) {
  constexpr std::string_view kType = "application/grpc";
  if (!equals_ignore_case(content_type.substr(0, kType.size()), kType)) return false;
  const std::string_view rest = trim_ows(content_type.substr(kType.size()));
  return rest.empty() || rest[0] == '+' || rest[0] == ';';
}

void append_message(std::string& out, std::string_view text) {
  constexpr std::string_view kHex = "0123456789ABCDEF";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= 0x20 && byte <= 0x7e && c != '%') {
      out += c;
    } else {
      out += '%';
      out += kHex[byte >> 4];
      out += kHex[byte & 0xf];
    }
  }
}

std::string decode_message(std::string_view encoded) {
  std::string out;
  out.reserve(encoded.size());
  for (std::size_t i = 0; i < encoded.size(); ++i) {
    const bool escape = encoded[i] == '%' && i + 2 < encoded.size() &&
                        hex_value(encoded[i + 1]) >= 0 && hex_value(encoded[i + 2]) >= 0;
    out += escape ? static_cast<char>(hex_value(encoded[i + 1]) << 4 | hex_value(encoded[i + 2]))
                  : encoded[i];
    if (escape) i += 2;
  }
  return out;
}

std::optional<Duration> parse_timeout(std::string_view text) {
  if (text.size() < 2 || text.size() > 9) return std::nullopt;
  const auto value = parse_decimal(text.substr(0, text.size() - 1));
  const auto unit = std::ranges::find(kUnits, text.back(), &Unit::letter);
  if (!value || unit == std::end(kUnits)) return std::nullopt;
  const auto count = static_cast<std::int64_t>(*value);
  if (count > Duration::max().count() / unit->ns) return Duration::max();
  return Duration(count * unit->ns);
}

void append_timeout(std::string& out, Duration timeout) {
  const std::int64_t ns = std::max<std::int64_t>(timeout.count(), 0);
  for (const Unit& unit : kUnits) {
    const std::int64_t count = ns / unit.ns + (ns % unit.ns != 0 ? 1 : 0);
    if (count > kTimeoutMax) continue;  // hours always fit: 2^63 ns are 2.6 million of them
    append_decimal(out, static_cast<std::uint64_t>(count));
    out += unit.letter;
    return;
  }
}

}  // namespace headgate::wire::grpc
