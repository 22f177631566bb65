#include "wire/http2/head_assembler.h"

#include <nghttp2/nghttp2.h>

#include <algorithm>

#include "base/ascii.h"
#include "wire/http2/field_block.h"

namespace headgate::wire::http2 {
namespace {

const std::uint8_t* bytes_of(std::string_view s) {
  return reinterpret_cast<const std::uint8_t*>(s.data());
}
// Lower-case token.
bool is_name(std::string_view s) {
  return s.front() != ':' && nghttp2_check_header_name(bytes_of(s), s.size());
}
// No NUL, CR, LF or other control but tab.
bool is_value(std::string_view s) { return nghttp2_check_header_value(bytes_of(s), s.size()); }
bool is_method(std::string_view s) { return nghttp2_check_method(bytes_of(s), s.size()); }
bool is_path(std::string_view s) {
  return nghttp2_check_path(bytes_of(s), s.size()) && s.find('#') == std::string_view::npos;
}
// userinfo must not be there for http and https (RFC 9113 §8.3.1).
bool is_authority(std::string_view s) {
  return nghttp2_check_authority(bytes_of(s), s.size()) && s.find('@') == std::string_view::npos;
}
bool is_token_or_empty(std::string_view s) { return s.empty() || is_method(s); }

}  // namespace

void HeadAssembler::begin(Kind kind) {
  kind_ = kind;
  verdict_ = {};
  arena_.clear();
  arena_.reserve(512);  // beyond the small-string size: views survive a move of the arena
  cookie_.clear();
  entries_.clear();
  pseudos_ = {};
  host_.reset();
  length_.reset();
  present_ = bytes_ = fields_ = 0;
  regular_seen_ = te_trailers_ = expect_continue_ = false;
}

// The first fault is the one told.
void HeadAssembler::fault(const char* reason, int status) {
  if (verdict_.ok()) verdict_ = {status, reason};
}

HeadAssembler::Span HeadAssembler::keep(std::string_view s) {
  const auto at = static_cast<std::uint32_t>(arena_.size());
  arena_.append(s);
  return {at, static_cast<std::uint32_t>(s.size())};
}

bool HeadAssembler::add(std::string_view name, std::string_view value) {
  bytes_ += static_cast<std::uint32_t>(name.size() + value.size() + 32);
  ++fields_;
  if (bytes_ > limits_.header_kill_bytes) return false;
  if (bytes_ > limits_.header_bytes_max) fault("header section too large", 431);
  if (fields_ > limits_.header_fields_max) fault("too many header fields", 431);
  if (verdict_.status == 431) return true;
  if (!name.empty() && name.front() == ':') {
    add_pseudo(name, value);
  } else {
    add_field(name, value);
  }
  return true;
}

void HeadAssembler::add_pseudo(std::string_view name, std::string_view value) {
  static constexpr std::array<std::string_view, kPseudoCount> kNames = {
      ":method", ":scheme", ":authority", ":path", ":protocol", ":status"};
  const auto at = std::find(kNames.begin(), kNames.end(), name);
  const auto which = static_cast<std::size_t>(at - kNames.begin());
  if (kind_ == Kind::kTrailers) return fault("pseudo-header field in trailers");
  if (regular_seen_) return fault("pseudo-header field after a regular one");
  if (at == kNames.end() || (which == kStatus) != (kind_ == Kind::kResponse))
    return fault("unknown pseudo-header field");
  if (present_ & (1U << which)) return fault("duplicate pseudo-header field");
  if (!is_value(value)) return fault("control character in a pseudo-header field");
  present_ |= 1U << which;
  pseudos_[which] = keep(value);
}

void HeadAssembler::add_field(std::string_view name, std::string_view raw) {
  regular_seen_ = true;
  if (name.empty() || !is_name(name)) return fault("field name is not a lower-case token");
  const std::string_view value = trim_ows(raw);
  if (!is_value(value)) return fault("control character in a field value");
  const http::FieldId id = http::field_id(name);
  if (!field_allowed(id, value)) return;
  const bool known = id != http::FieldId::kOther;
  entries_.push_back({known ? Span{} : keep(name), keep(value), id});
}

// Judges fields that have rules of their own; false when they do not go into the list as they are.
bool HeadAssembler::field_allowed(http::FieldId id, std::string_view value) {
  using http::FieldId;
  // HTTP2-Settings is refused with them: it means something in an HTTP/1.1 upgrade alone.
  if (is_connection_specific(id)) return fault("connection-specific field"), false;
  if (kind_ == Kind::kTrailers) return !http::is_forbidden_trailer(id);
  switch (id) {
    case FieldId::kTe:
      if (!equals_ignore_case(value, "trailers")) return fault("TE other than trailers"), false;
      te_trailers_ = true;
      return true;
    case FieldId::kContentLength: {
      const bool first = !length_;
      add_length(value);
      return first;
    }
    case FieldId::kHost:
      if (kind_ != Kind::kRequest) return true;
      if (host_) fault("duplicate Host");
      host_ = keep(value);
      return false;
    case FieldId::kCookie:
      if (kind_ != Kind::kRequest) return true;
      add_cookie(value);
      return false;
    case FieldId::kExpect:
      expect_continue_ = expect_continue_ || equals_ignore_case(value, "100-continue");
      return true;
    default: return true;
  }
}

// Several identical values are one value; a list in one field is not a number, and refused (RFC
// 9110 §8.6).
void HeadAssembler::add_length(std::string_view value) {
  const auto parsed = parse_decimal(value);
  if (!parsed) return fault("invalid content-length");
  if (length_ && *length_ != *parsed) return fault("differing content-length");
  length_ = parsed;
}

void HeadAssembler::add_cookie(std::string_view crumb) {
  if (!cookie_.empty()) cookie_ += "; ";
  cookie_ += crumb;
}

void HeadAssembler::fill(http::Fields& fields) {
  if (!cookie_.empty()) entries_.push_back({{}, keep(cookie_), http::FieldId::kCookie});
  fields.clear();
  fields.reserve(entries_.size());
  for (const Entry& entry : entries_) {
    const bool known = entry.id != http::FieldId::kOther;
    fields.push_back(
        {known ? http::name_of(entry.id) : text(entry.name), text(entry.value), entry.id});
  }
}

http::Framing HeadAssembler::framing(bool end_stream) {
  http::Framing framing;
  framing.kind = end_stream ? http::Framing::Kind::kNone : http::Framing::Kind::kStream;
  framing.has_length = length_.has_value();
  framing.length = length_.value_or(0);
  return framing;
}

// :authority wins; a Host that differs is refused (notes row 15, RFC 9113 §8.3.1).
void HeadAssembler::settle_host(http::RequestHead& head) {
  head.authority = pseudo(kAuthority);
  if (host_) {
    const std::string_view host = text(*host_);
    if (has(kAuthority) && !equals_ignore_case(host, head.authority))
      fault(":authority and Host differ");
    head.authority = has(kAuthority) ? head.authority : host;
  }
  if (head.authority.empty()) return fault("no authority");
  if (!is_authority(head.authority)) fault("invalid authority");
}

void HeadAssembler::judge_connect(const http::RequestHead& head) {
  if (has(kProtocol)) {
    if (head.protocol.empty() || !is_token_or_empty(head.protocol)) fault("invalid :protocol");
    return judge_target(head);
  }
  if (has(kScheme) || has(kPath)) fault("CONNECT with :scheme or :path");
  if (!has(kAuthority)) fault("CONNECT without :authority");
}

void HeadAssembler::judge_target(const http::RequestHead& head) {
  if (head.scheme != "http" && head.scheme != "https") return fault("missing or unknown :scheme");
  const bool asterisk = head.target == "*";
  if (asterisk && head.method != http::Method::kOptions) return fault(":path * outside of OPTIONS");
  if (!asterisk && (head.target.empty() || head.target.front() != '/'))
    return fault(":path is not absolute");
  if (!is_path(head.target)) fault("forbidden character in :path");
}

HeadAssembler::Verdict HeadAssembler::finish_request(http::RequestHead& head, bool end_stream) {
  http::Fields fields = std::move(head.fields);
  fill(fields);
  head = {};
  head.fields = std::move(fields);
  head.version = http::Version::k2;
  head.method_text = pseudo(kMethod);
  head.method = http::parse_method(head.method_text);
  head.scheme = pseudo(kScheme);
  head.target = pseudo(kPath);
  head.protocol = pseudo(kProtocol);
  head.framing = framing(end_stream);
  head.te_trailers = te_trailers_;
  head.expect_continue = expect_continue_;
  if (verdict_.status == 431) return verdict_;
  if (head.method_text.empty() || !is_method(head.method_text)) fault("missing or invalid :method");
  settle_host(head);
  const bool connect = head.method == http::Method::kConnect;
  if (has(kProtocol) && !connect) fault(":protocol outside of CONNECT");
  connect ? judge_connect(head) : judge_target(head);
  if (end_stream && length_.value_or(0) != 0) fault("content-length without content");
  return verdict_;
}

HeadAssembler::Verdict HeadAssembler::finish_response(http::ResponseHead& head, bool end_stream,
                                                      bool no_body) {
  http::Fields fields = std::move(head.fields);
  fill(fields);
  head = {};
  head.fields = std::move(fields);
  head.version = http::Version::k2;
  head.framing = framing(end_stream);
  if (verdict_.status == 431) return verdict_;
  const std::string_view status = pseudo(kStatus);
  const auto value = parse_decimal(status);
  if (status.size() != 3 || !value || *value < 100 || *value > 599) {
    fault("missing or invalid :status");
    return verdict_;
  }
  head.status = static_cast<int>(*value);
  if (head.status == 101) fault("101 in HTTP/2");
  if (http::is_interim(head.status) && end_stream) fault("1xx ends the stream");
  const bool content = !no_body && !http::has_no_body(head.status);
  if (end_stream && content && length_.value_or(0) != 0) fault("content-length without content");
  return verdict_;
}

HeadAssembler::Verdict HeadAssembler::finish_trailers(http::Fields& fields) {
  fill(fields);
  return verdict_;
}

}  // namespace headgate::wire::http2
