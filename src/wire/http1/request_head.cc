#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "wire/http/authority.h"
#include "wire/http/text.h"
#include "wire/http1/field_line.h"
#include "wire/http1/framing.h"
#include "wire/http1/head.h"

namespace headgate::wire::http1 {
namespace {

using http::FieldId;
using http::Framing;
using http::Method;
using http::RequestHead;
using http::Version;
using Outcome = std::expected<void, HeadError>;

std::unexpected<HeadError> bad(std::string_view reason, int status = 400) {
  return std::unexpected(HeadError{status, reason});
}

struct Gathered {
  FramingFields framing;
  std::string_view host;
  bool has_host = false;
};

std::string_view view(const char* begin, const char* end) {
  return {begin, static_cast<std::size_t>(end - begin)};
}

// A higher minor version is read as the highest one that is known (RFC 9110 §2.5).
Outcome parse_version(std::string_view text, Version& out) {
  if (text == "HTTP/1.1") [[likely]] {
    out = Version::k11;
    return {};
  }
  if (text.size() != 8 || !text.starts_with("HTTP/") || !is_digit(text[5]) || text[6] != '.' ||
      !is_digit(text[7]))
    return bad("request line has no HTTP version");
  if (text[5] != '1') return bad("HTTP version is not supported", 505);
  out = text[7] == '0' ? Version::k10 : Version::k11;
  return {};
}

// RFC 9112 §3: method SP request-target SP HTTP-version CRLF, single spaces. `p` moves behind the
// line.
Outcome parse_request_line(const char*& p, const char* end, const HeadLimits& limits,
                           RequestHead& out) {
  const char* const method_end = skip_token(p, end);
  if (method_end == end || method_end == p || *method_end != ' ') return bad("method is no token");
  out.method_text = view(p, method_end);
  if (out.method_text.size() > kMethodBytesMax) return bad("method is too long", 501);
  out.method = http::parse_method(out.method_text);

  const char* const target = method_end + 1;
  const char* const target_end = skip_target(target, end);
  if (target_end == end || target_end == target || *target_end != ' ')
    return bad("request target is malformed");
  out.target = view(target, target_end);
  if (out.target.size() > limits.target_bytes_max) return bad("request target is too long", 414);

  const char* const version = target_end + 1;
  const char* const version_end = skip_target(version, end);
  if (end - version_end < 2 || version_end[0] != '\r' || version_end[1] != '\n')
    return bad("request line is malformed");
  p = version_end + 2;
  return parse_version(view(version, version_end), out.version);
}

Outcome take_expect(std::string_view value, RequestHead& out) {
  if (!equals_ignore_case(value, "100-continue")) return bad("expectation is not supported", 417);
  out.expect_continue = true;
  return {};
}

// The names that the head itself needs; false: the field stays in the list.
Outcome take_special(const http::Field& field, Gathered& gathered, RequestHead& out, bool& keep) {
  if (field.id == FieldId::kHost) {
    if (gathered.has_host) return bad("more than one Host");
    gathered.has_host = true;
    gathered.host = field.value;
    keep = false;
    return {};
  }
  if (field.id == FieldId::kExpect) return take_expect(field.value, out);
  const std::string_view error = take_framing_field(field, gathered.framing);
  if (!error.empty()) return bad(error);
  keep = field.id != FieldId::kContentLength && field.id != FieldId::kTransferEncoding;
  return {};
}

constexpr bool is_special(FieldId id) {
  return id == FieldId::kHost || id == FieldId::kExpect || is_framing_field(id);
}

// Every line up to the empty one, which must be the last.
Outcome parse_fields(const char* p, const char* end, const HeadLimits& limits, Gathered& gathered,
                     RequestHead& out) {
  std::uint32_t lines = 0;
  while (p != end && *p != '\r') {
    if (++lines > limits.fields_max) return bad("too many fields", 431);
    http::Field field;
    const LineScan line = scan_field_line(p, end, field);
    if (!line.next) return bad(line.error);
    p = line.next;
    bool keep = true;
    if (is_special(field.id)) {
      if (auto taken = take_special(field, gathered, out, keep); !taken) return taken;
    }
    if (keep) out.fields.push_back(field);
  }
  if (end - p != 2 || p[0] != '\r' || p[1] != '\n')
    return bad("head does not end in an empty line");
  return {};
}

// RFC 9112 §6.1, §6.3. Whatever leaves room for two readings is refused; content of a request never
// ends by closing.
Outcome decide_framing(const FramingFields& fields, RequestHead& out) {
  if (fields.has_transfer_encoding()) {
    if (out.version == Version::k10) return bad("Transfer-Encoding in HTTP/1.0");
    if (fields.has_length) return bad("Content-Length beside Transfer-Encoding");
    if (!fields.last_is_chunked || fields.chunked_codings > 1)
      return bad("chunked is not the last coding, once");
    if (!fields.is_chunked()) return bad("transfer coding is not supported", 501);
    out.framing.kind = Framing::Kind::kChunked;
  } else if (fields.has_length) {
    out.framing = {Framing::Kind::kLength, fields.length, true};
  }
  const bool has_content = out.framing.kind == Framing::Kind::kChunked || out.framing.length > 0;
  if (out.method == Method::kConnect && has_content) return bad("CONNECT with content");
  // RFC 9110 §10.1.1: HTTP/1.0 knows no 100, and without content there is nothing to wait for.
  out.expect_continue = out.expect_continue && has_content && out.version == Version::k11;
  return {};
}

void decide_connection(const FramingFields& fields, RequestHead& out) {
  const bool is_10 = out.version == Version::k10;
  out.keep_alive = !fields.close && (!is_10 || fields.keep_alive);
  out.te_trailers = fields.te_trailers;
  out.names_in_connection = fields.names_others;
  if (fields.upgrade && !is_10)
    out.protocol = fields.protocol;  // RFC 9110 §7.8: ignored in HTTP/1.0
}

// RFC 9112 §3.2.2. The target becomes what follows the authority.
Outcome split_absolute_form(RequestHead& out) {
  std::string_view rest = out.target;
  const std::size_t colon = rest.find("://");
  if (colon == std::string_view::npos) return bad("request target has no known form");
  const std::string_view scheme = rest.substr(0, colon);
  if (equals_ignore_case(scheme, "http")) {
    out.scheme = "http";
  } else if (equals_ignore_case(scheme, "https")) {
    out.scheme = "https";
  } else {
    return bad("scheme of the request target is not supported");
  }
  rest.remove_prefix(colon + 3);
  const std::size_t authority_end = std::min(rest.find_first_of("/?#"), rest.size());
  out.authority = rest.substr(0, authority_end);
  out.target = rest.substr(authority_end);
  if (out.target.starts_with('#')) return bad("fragment in the request target");
  if (out.target.empty()) out.target = out.method == Method::kOptions ? "*" : "/";
  return {};
}

// The four forms of RFC 9112 §3.2; the target's authority wins over Host.
Outcome decide_target(RequestHead& out) {
  if (out.method == Method::kConnect) {
    out.authority = out.target;
    out.target = {};
    const auto authority = http::parse_authority(out.authority);
    if (!authority || !authority->port) return bad("CONNECT needs host:port");
    return {};
  }
  if (out.target.starts_with('/')) return {};
  if (out.target == "*") {
    if (out.method != Method::kOptions) return bad("asterisk-form is for OPTIONS");
    return {};
  }
  if (auto split = split_absolute_form(out); !split) return split;
  const auto authority = http::parse_authority(out.authority);
  if (!authority) return bad("authority of the request target is invalid");
  out.host = authority->host;
  return {};
}

// RFC 9112 §3.2: checked even where the target has an authority of its own.
Outcome decide_host(const Gathered& gathered, RequestHead& out) {
  if (!gathered.has_host) {
    if (out.version == Version::k11) return bad("no Host");
    return {};
  }
  const auto host = http::parse_authority(gathered.host);
  if (!host) return bad("Host is invalid");
  if (!out.authority.empty()) return {};
  out.authority = gathered.host;
  out.host = host->host;
  return {};
}

void reset(RequestHead& out) {
  http::Fields fields = std::move(out.fields);
  fields.clear();
  out = RequestHead{};
  out.fields = std::move(fields);
}

}  // namespace

std::expected<void, HeadError> parse_request_head(std::string_view head, const HeadLimits& limits,
                                                  http::RequestHead& out) {
  reset(out);
  if (head.starts_with("\r\n")) head.remove_prefix(2);
  const char* p = head.data();
  const char* const end = p + head.size();
  Gathered gathered;
  if (auto line = parse_request_line(p, end, limits, out); !line) return line;
  if (auto fields = parse_fields(p, end, limits, gathered, out); !fields) return fields;
  if (auto framing = decide_framing(gathered.framing, out); !framing) return framing;
  decide_connection(gathered.framing, out);
  if (auto target = decide_target(out); !target) return target;
  return decide_host(gathered, out);
}

}  // namespace headgate::wire::http1
