// Cookie affinity (Gateway API session persistence): the cookie names the endpoint by a hash of its name, so that it says
// nothing about addresses, survives restarts and means the same on every edge.
#include "base/ascii.h"
#include "decide/balance/target.h"
#include "roles/proxy/exchange.h"
#include "roles/proxy/hash_key.h"
#include "wire/cookie/cookie.h"

namespace headgate::proxy {

namespace {

std::optional<std::uint64_t> parse_hex64(std::string_view text) {
  if (text.size() != 16) return std::nullopt;
  std::uint64_t value = 0;
  for (const char c : text) {
    const int digit = hex_value(c);
    if (digit < 0) return std::nullopt;
    value = value << 4 | static_cast<std::uint64_t>(digit);
  }
  return value;
}

}  // namespace

std::optional<std::uint64_t> Exchange::affinity_hash() const {
  if (!rule_ || !rule_->affinity) return std::nullopt;
  const auto cookie = value_of({model::HashKey::Kind::kCookie, rule_->affinity->cookie}, *this);
  return cookie ? parse_hex64(*cookie) : std::nullopt;
}

void Exchange::add_affinity_cookie() {
  if (tried_.empty()) return;
  const std::uint64_t identity = decide::balance::identity_of(tried_.back()->endpoint->name);
  if (affinity_hash() == identity) return;
  std::string value, line;
  append_hex(value, identity, 16);
  wire::cookie::SetCookie cookie;
  cookie.name = rule_->affinity->cookie;
  cookie.value = value;
  cookie.path = "/";
  cookie.http_only = true;
  cookie.secure = facts_->tls;
  cookie.same_site = wire::cookie::SameSite::kLax;
  const std::int64_t seconds = rule_->affinity->lifetime.count() / 1'000'000'000;
  if (seconds > 0) cookie.max_age_s = seconds;
  if (!wire::cookie::append_set_cookie(line, cookie)) return;
  response_fields_.push_back({"set-cookie", arena_.copy(line), wire::http::FieldId::kSetCookie});
}

}  // namespace headgate::proxy
