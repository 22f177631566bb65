#include "decide/cache/key.h"

#include "base/append.h"
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
  kLocator = 'L',
  kQuery = 'q',
  kPolicy = 'F',
  kScope = 'S',
  kHeaderName = 'N',
  kHeaderValue = 'V',
  kCookieName = 'C',
  kCookieValue = 'W',
  kDevice = 'D',
  kSeries = 'Z',
  kSlice = 'z',
};

char* put_lower(char* at, std::string_view text) {
  for (const char c : text) *at++ = to_lower(c);
  return at;
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

// The policy stands in the key, so that a candidate's fills are its own; and the scope, so that
// rules which ask another origin, or ask it otherwise, share nothing.
void append_word(std::string& out, char tag, std::uint64_t word) {
  char bytes[8];
  for (int i = 0; i < 8; ++i) bytes[i] = static_cast<char>(word >> (8 * i));
  append_part(out, tag, {bytes, sizeof bytes});
}

}  // namespace

void append_origin(std::string& out, const KeyInput& url) {
  const bool is_ipv6 = url.host.find(':') != std::string_view::npos;
  const std::string_view before = is_ipv6 ? "://[" : "://", after = is_ipv6 ? "]" : "";
  append_with(
      out, url.scheme.size() + before.size() + url.host.size() + after.size(),
      [&](char* at) { put(put_lower(put(put_lower(at, url.scheme), before), url.host), after); });
  const std::uint16_t own = equals_ignore_case(url.scheme, "https") ? 443 : 80;
  if (!url.port || *url.port == own) return;
  out += ':';
  append_decimal(out, *url.port);
}

CacheKey KeyBuilder::build(const KeyInput& input, const Fields& request,
                           const model::CachePolicy& policy) {
  bytes_.clear();
  const std::size_t locator = begin_part(bytes_, kLocator);
  append_origin(bytes_, input);
  bytes_ += input.path;
  end_part(bytes_, locator);
  const std::size_t locator_bytes = bytes_.size() - locator;
  const Query query = keyed_query(input.query, policy.key, scratch_, query_);
  if (query.is_there) append_part(bytes_, kQuery, query.text);
  append_word(bytes_, kPolicy, policy.fingerprint);
  append_word(bytes_, kScope, input.scope);
  for (const std::string& name : policy.key.headers) append_header(bytes_, request, name, value_);
  for (const std::string& name : policy.key.cookies) append_cookie(bytes_, request, name);
  if (policy.key.device_class) {
    const Field* agent = wire::http::find(request, FieldId::kUserAgent);
    append_part(bytes_, kDevice, to_string(device_of(agent ? agent->value : std::string_view())));
  }
  return {bytes_, SipHash<>::hash(bytes_, secret_), kPartHeadBytes,
          static_cast<std::uint32_t>(locator_bytes), query};
}

CacheKey KeyBuilder::slice(const CacheKey& whole, std::uint64_t series, std::uint32_t number) {
  bytes_.assign(whole.bytes);
  append_word(bytes_, kSeries, series);
  append_word(bytes_, kSlice, number);
  return {bytes_, SipHash<>::hash(bytes_, secret_), whole.locator_offset, whole.locator_bytes,
          whole.query};
}

std::optional<KeyView> read_key(std::string_view bytes) {
  KeyView view;
  Parts parts(bytes);
  char tag = 0;
  if (!parts.next(tag, view.locator) || tag != kLocator) return std::nullopt;
  for (std::string_view text; parts.next(tag, text);)
    if (tag == kQuery) view.query = {text, true};
  if (!parts.is_sound()) return std::nullopt;
  return view;
}

void append_key_text(std::string& out, const KeyView& key) {
  out += key.locator;
  if (key.query.is_there) out.append("?").append(key.query.text);
}

}  // namespace headgate::decide::cache
