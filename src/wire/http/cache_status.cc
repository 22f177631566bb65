#include "wire/http/cache_status.h"

#include "base/append.h"
#include "base/ascii.h"
#include "wire/http/structured_field.h"

namespace headgate::wire::http {

using namespace std::string_view_literals;  // their length is known, that of plain literals is
                                            // counted at run time

namespace {

void append_signed(std::string& out, std::int64_t value) {
  if (value < 0) out += '-';
  append_decimal(
      out, value < 0 ? 0 - static_cast<std::uint64_t>(value) : static_cast<std::uint64_t>(value));
}

void append_text(std::string& out, std::string_view text) {
  if (is_sf_token(text))
    out += text;
  else
    append_sf_string(out, text);
}

void append_forward(std::string& out, const CacheStatus& status) {
  append_all(out, {"; fwd=", to_string(status.forward)});
  if (status.forward_status != 0) {
    out += "; fwd-status="sv;
    append_decimal(out, static_cast<std::uint64_t>(status.forward_status));
  }
  if (status.stored) out += "; stored"sv;
  if (status.collapsed) out += "; collapsed"sv;
}

}  // namespace

std::string_view to_string(CacheStatus::Forward forward) {
  switch (forward) {
    case CacheStatus::Forward::kNone: return "";
    case CacheStatus::Forward::kBypass: return "bypass";
    case CacheStatus::Forward::kMethod: return "method";
    case CacheStatus::Forward::kUriMiss: return "uri-miss";
    case CacheStatus::Forward::kVaryMiss: return "vary-miss";
    case CacheStatus::Forward::kMiss: return "miss";
    case CacheStatus::Forward::kRequest: return "request";
    case CacheStatus::Forward::kStale: return "stale";
    case CacheStatus::Forward::kPartial: return "partial";
  }
  return "";
}

void append_cache_status(std::string& out, std::string_view cache, const CacheStatus& status) {
  append_text(out, cache);
  if (status.hit)
    out += "; hit"sv;
  else if (status.forward != CacheStatus::Forward::kNone)
    append_forward(out, status);
  if (status.ttl) {
    out += "; ttl="sv;
    append_signed(out, *status.ttl);
  }
  if (!status.key.empty() && is_sf_string(status.key)) {
    out += "; key="sv;
    append_sf_string(out, status.key);
  }
  if (!status.detail.empty() && is_sf_string(status.detail)) {
    out += "; detail="sv;
    append_text(out, status.detail);
  }
}

}  // namespace headgate::wire::http
