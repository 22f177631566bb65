#pragma once
// One field line (RFC 9112 §5), the same in heads and trailer sections. Pure; views into the text.
#include <string_view>

#include "base/ascii.h"
#include "wire/http/field.h"
#include "wire/http1/scan.h"

namespace headgate::wire::http1 {

struct LineScan {
  const char* next;        // after CRLF; null on an error
  std::string_view error;  // static text
};

// Reads name, colon, value and CRLF at `p`.
inline LineScan scan_field_line(const char* p, const char* end, http::Field& out) {
  const char* const name_end = skip_token(p, end);
  if (name_end == end) return {nullptr, "field line has no end"};
  if (name_end == p || *name_end != ':') [[unlikely]] {
    if (*p == ' ' || *p == '\t') return {nullptr, "folded field line"};
    if (*name_end == ' ' || *name_end == '\t')
      return {nullptr, "white space before the colon of a field"};
    return {nullptr, "field name is no token"};
  }
  const char* value = name_end + 1;
  while (value != end && (*value == ' ' || *value == '\t')) ++value;
  const char* const stop = skip_field_value(value, end);
  if (end - stop < 2 || stop[0] != '\r' || stop[1] != '\n')
    return {nullptr, "control character in a field value"};
  const char* value_end = stop;
  while (value_end != value && (value_end[-1] == ' ' || value_end[-1] == '\t')) --value_end;
  out.name = std::string_view(p, static_cast<std::size_t>(name_end - p));
  out.value = std::string_view(value, static_cast<std::size_t>(value_end - value));
  out.id = http::field_id(out.name);
  return {stop + 2, {}};
}

}  // namespace headgate::wire::http1
