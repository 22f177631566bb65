#include "decide/cache/key.h"

#include "base/ascii.h"
#include "decide/cache/device.h"
#include "decide/cache/normalise.h"
#include "decide/cache/parts.h"
#include "wire/cookie/cookie.h"

namespace headgate::decide::cache {
namespace {

using wire::http::Field;
using wire::http::FieldId;
using wire::http::Fields;

enum Tag : char {
  kScheme = 's',
  kHost = 'h',
  kPort = 'p',
  kPath = 'u',
  kQuery = 'q',
  kPolicy = 'F',
  kHeaderName = 'N',
  kHeaderValue = 'V',
  kCookieName = 'C',
  kCookieValue = 'W',
  kDevice = 'D',
};

void append_lower_part(std::string& out, char tag, std::string_view text) {
  append_part(out, tag, text);
  for (std::size_t at = out.size() - text.size(); at < out.size(); ++at)
    out[at] = to_lower(out[at]);
}

void append_port(std::string& out, const KeyInput& input, std::string& scratch) {
  scratch.clear();
  const bool is_secure = equals_ignore_case(input.scheme, "https");
  const std::uint16_t own = is_secure ? 443 : 80;
  if (input.port && *input.port != own) append_decimal(scratch, *input.port);
  append_part(out, kPort, scratch);
}

// A name stands in the key whether the field is there or not; only a field that is there has
// values.
void append_header(std::string& out, const Fields& request, std::string_view name,
                   std::string& scratch) {
  append_part(out, kHeaderName, name);
  scratch.clear();
  if (append_normalised(scratch, request, name)) append_part(out, kHeaderValue, scratch);
}

// Every value of the name, in order: origins do not agree on which one counts.
void append_cookie(std::string& out, const Fields& request, std::string_view name) {
  append_part(out, kCookieName, name);
  for (const Field& field : request) {
    if (field.id != FieldId::kCookie) continue;
    wire::cookie::Pairs pairs(field.value);
    while (const auto pair = pairs.next())
      if (pair->name == name) append_part(out, kCookieValue, pair->value);
  }
}

// The policy stands in the key, so that a candidate's fills are its own.
void append_policy(std::string& out, std::uint64_t fingerprint) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(fingerprint >> (8 * i));
  append_part(out, kPolicy, {bytes, sizeof bytes});
}

}  // namespace

CacheKey KeyBuilder::build(const KeyInput& input, const Fields& request,
                           const model::CachePolicy& policy) {
  bytes_.clear();
  append_lower_part(bytes_, kScheme, input.scheme);
  append_lower_part(bytes_, kHost, input.host);
  append_port(bytes_, input, value_);
  append_part(bytes_, kPath, input.path);
  const Query query = keyed_query(input.query, policy.key, scratch_, query_);
  if (query.is_there) append_part(bytes_, kQuery, query.text);
  append_policy(bytes_, policy.fingerprint);
  for (const std::string& name : policy.key.headers) append_header(bytes_, request, name, value_);
  for (const std::string& name : policy.key.cookies) append_cookie(bytes_, request, name);
  if (policy.key.device_class) {
    const Field* agent = wire::http::find(request, FieldId::kUserAgent);
    append_part(bytes_, kDevice, to_string(device_of(agent ? agent->value : std::string_view())));
  }
  return {bytes_, SipHash<>::hash(bytes_, secret_), query};
}

std::optional<KeyView> read_key(std::string_view bytes) {
  KeyView view;
  Parts parts(bytes);
  char tag = 0;
  bool has_path = false;
  for (std::string_view text; parts.next(tag, text);) {
    if (tag == kScheme) view.scheme = text;
    if (tag == kHost) view.host = text;
    if (tag == kPort) view.port = text;
    if (tag == kPath) view.path = text, has_path = true;
    if (tag == kQuery) view.query = {text, true};
  }
  if (!parts.is_sound() || !has_path) return std::nullopt;
  return view;
}

void append_key_text(std::string& out, const KeyView& key) {
  const bool is_ipv6 = key.host.find(':') != std::string_view::npos;
  out.append(key.scheme).append(is_ipv6 ? "://[" : "://").append(key.host);
  if (is_ipv6) out += ']';
  if (!key.port.empty()) out.append(":").append(key.port);
  out += key.path;
  if (key.query.is_there) out.append("?").append(key.query.text);
}

}  // namespace headgate::decide::cache
