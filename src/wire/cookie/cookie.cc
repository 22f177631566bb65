#include "wire/cookie/cookie.h"

#include <algorithm>

#include "base/ascii.h"
#include "wire/http/text.h"

namespace headgate::wire::cookie {
namespace {

// cookie-octet: printable ASCII without space, DQUOTE, comma, semicolon, backslash.
bool is_value(std::string_view text) {
  return std::ranges::all_of(text, [](char c) {
    return c > ' ' && c < 0x7f && c != '"' && c != ',' && c != ';' && c != '\\';
  });
}

bool is_attribute(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c < 0x7f && c != ';'; });
}

bool keeps_name_promise(const SetCookie& c) {
  if (c.name.starts_with("__Host-")) return c.secure && c.path == "/" && c.domain.empty();
  return !c.name.starts_with("__Secure-") || c.secure;
}

bool is_writable(const SetCookie& c) {
  const bool needs_secure = c.same_site == SameSite::kNone || c.partitioned;
  return http::is_token(c.name) && is_value(c.value) && is_attribute(c.path) &&
         is_attribute(c.domain) && keeps_name_promise(c) && (c.secure || !needs_secure);
}

void append_max_age(std::string& out, std::int64_t seconds) {
  out += "; Max-Age=";
  append_decimal(out, static_cast<std::uint64_t>(std::max<std::int64_t>(seconds, 0)));
}

void append_text(std::string& out, std::string_view attribute, std::string_view value) {
  if (value.empty()) return;
  out += attribute;
  out += value;
}

constexpr std::string_view kSameSite[] = {"", "; SameSite=Strict", "; SameSite=Lax",
                                          "; SameSite=None"};

}  // namespace

std::optional<Pair> Pairs::next() {
  while (!rest_.empty()) {
    const std::string_view piece = trim_ows(take_until(rest_, ';'));
    if (piece.empty()) continue;
    const std::size_t equals = piece.find('=');
    if (equals == std::string_view::npos) return Pair{{}, piece};
    return Pair{trim_ows(piece.substr(0, equals)), trim_ows(piece.substr(equals + 1))};
  }
  return std::nullopt;
}

std::optional<std::string_view> find(std::string_view field, std::string_view name) {
  Pairs pairs(field);
  while (const auto pair = pairs.next())
    if (pair->name == name) return pair->value;
  return std::nullopt;
}

void append_without(std::string& out, std::string_view field, std::string_view name) {
  const std::size_t start = out.size();
  while (!field.empty()) {
    const std::string_view piece = trim_ows(take_until(field, ';'));
    const std::size_t equals = piece.find('=');
    if (piece.empty() ||
        (equals != std::string_view::npos && trim_ows(piece.substr(0, equals)) == name))
      continue;
    if (out.size() > start) out += "; ";
    out += piece;
  }
}

bool append_set_cookie(std::string& out, const SetCookie& c) {
  if (!is_writable(c)) return false;
  const std::size_t start = out.size();
  out.append(c.name).append("=").append(c.value);
  append_text(out, "; Path=", c.path);
  append_text(out, "; Domain=", c.domain);
  if (c.max_age_s) append_max_age(out, *c.max_age_s);
  if (c.secure) out += "; Secure";
  if (c.http_only) out += "; HttpOnly";
  out += kSameSite[static_cast<std::size_t>(c.same_site)];
  if (c.partitioned) out += "; Partitioned";
  if (out.size() - start <= kSetCookieBytesMax) return true;
  out.resize(start);
  return false;
}

}  // namespace headgate::wire::cookie
