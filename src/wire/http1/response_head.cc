#include <utility>

#include "base/ascii.h"
#include "wire/http/text.h"
#include "wire/http1/field_line.h"
#include "wire/http1/framing.h"
#include "wire/http1/head.h"

namespace headgate::wire::http1 {
namespace {

using http::FieldId;
using http::Framing;
using http::Method;
using http::ResponseHead;
using http::Version;
using Outcome = std::expected<void, HeadError>;

std::unexpected<HeadError> bad(std::string_view reason) {
  return std::unexpected(HeadError{502, reason});
}

// "HTTP/1." DIGIT SP 3DIGIT; the length is checked by the caller.
Outcome parse_version_and_status(const char* p, ResponseHead& out) {
  if (std::string_view(p, 7) != "HTTP/1." || !is_digit(p[7]) || p[8] != ' ')
    return bad("no HTTP/1 status line");
  out.version = p[7] == '0' ? Version::k10 : Version::k11;
  if (!is_digit(p[9]) || !is_digit(p[10]) || !is_digit(p[11])) return bad("status is no number");
  out.status = (p[9] - '0') * 100 + (p[10] - '0') * 10 + (p[11] - '0');
  if (out.status < 100 || out.status > 599) return bad("status is out of range");  // RFC 9110 §15
  return {};
}

// RFC 9112 §4. Origins that leave out the space before an empty reason are common, and it can be
// read in one way only.
Outcome parse_status_line(const char*& p, const char* end, ResponseHead& out) {
  constexpr std::ptrdiff_t kReasonAt = 12;
  if (end - p < kReasonAt + 2) return bad("status line is too short");
  if (auto parsed = parse_version_and_status(p, out); !parsed) return parsed;
  p += kReasonAt;
  if (*p != ' ' && *p != '\r') return bad("status line is malformed");
  if (*p == ' ') ++p;
  const char* const stop = skip_field_value(p, end);
  if (end - stop < 2 || stop[0] != '\r' || stop[1] != '\n')
    return bad("control character in the status line");
  out.reason = std::string_view(p, static_cast<std::size_t>(stop - p));
  p = stop + 2;
  return {};
}

Outcome parse_fields(const char* p, const char* end, const HeadLimits& limits,
                     FramingFields& framing, ResponseHead& out) {
  std::uint32_t lines = 0;
  while (p != end && *p != '\r') {
    if (++lines > limits.fields_max) return bad("too many fields");
    http::Field field;
    const LineScan line = scan_field_line(p, end, field);
    if (!line.next) return bad(line.error);
    p = line.next;
    if (is_framing_field(field.id)) {
      const std::string_view error = take_framing_field(field, framing);
      if (!error.empty()) return bad(error);
      if (field.id == FieldId::kContentLength || field.id == FieldId::kTransferEncoding) continue;
    }
    out.fields.push_back(field);
  }
  if (end - p != 2 || p[0] != '\r' || p[1] != '\n')
    return bad("head does not end in an empty line");
  return {};
}

// RFC 9112 §6.3, rules 1 to 3: nothing follows whatever the fields say. The length of what a GET
// would have brought is kept for HEAD and 304 (RFC 9110 §8.6).
bool decide_without_content(const FramingFields& fields, Method request_method, ResponseHead& out) {
  const bool is_tunnel =
      request_method == Method::kConnect && out.status >= 200 && out.status < 300;
  if (request_method != Method::kHead && !http::has_no_body(out.status) && !is_tunnel) return false;
  const bool tells_length =
      out.status == 304 || (request_method == Method::kHead && !http::has_no_body(out.status));
  if (tells_length && fields.has_length && !fields.has_transfer_encoding())
    out.framing = {Framing::Kind::kNone, fields.length, true};
  return true;
}

Outcome decide_framing(const FramingFields& fields, Method request_method, ResponseHead& out) {
  const bool has_coding = fields.has_transfer_encoding();
  if (has_coding && out.version == Version::k10) return bad("Transfer-Encoding in HTTP/1.0");
  if (has_coding && !fields.is_chunked()) return bad("transfer coding is not supported");
  // RFC 9112 §6.1: Transfer-Encoding wins, but the connection cannot be trusted further.
  if (has_coding && fields.has_length) out.keep_alive = false;
  if (decide_without_content(fields, request_method, out)) return {};
  if (has_coding) {
    out.framing.kind = Framing::Kind::kChunked;
  } else if (fields.has_length) {
    out.framing = {Framing::Kind::kLength, fields.length, true};
  } else {
    out.framing.kind = Framing::Kind::kUntilClose;
    out.keep_alive = false;
  }
  return {};
}

void decide_connection(const FramingFields& fields, ResponseHead& out) {
  out.keep_alive = !fields.close && (out.version != Version::k10 || fields.keep_alive);
  out.names_in_connection = fields.names_others;
  if (out.status == 101 && fields.upgrade) out.protocol = fields.protocol;
}

void reset(ResponseHead& out) {
  http::Fields fields = std::move(out.fields);
  fields.clear();
  out = ResponseHead{};
  out.fields = std::move(fields);
}

}  // namespace

std::expected<void, HeadError> parse_response_head(std::string_view head,
                                                   http::Method request_method,
                                                   const HeadLimits& limits,
                                                   http::ResponseHead& out) {
  reset(out);
  const char* p = head.data();
  const char* const end = p + head.size();
  FramingFields framing;
  if (auto line = parse_status_line(p, end, out); !line) return line;
  if (auto fields = parse_fields(p, end, limits, framing, out); !fields) return fields;
  decide_connection(framing, out);
  return decide_framing(framing, request_method, out);
}

}  // namespace headgate::wire::http1
