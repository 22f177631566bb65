#include "roles/proxy/hash_key.h"

#include "roles/proxy/exchange.h"
#include "wire/cookie/cookie.h"
#include "wire/uri/query.h"

namespace headgate::proxy {

namespace {

std::optional<std::string_view> cookie_of(const wire::http::Fields& fields, std::string_view name) {
  for (const wire::http::Field& field : fields) {
    if (field.id != wire::http::FieldId::kCookie) continue;
    if (const auto value = wire::cookie::find(field.value, name)) return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string_view> value_of(const model::HashKey& key, const Exchange& exchange) {
  using Kind = model::HashKey::Kind;
  const wire::http::Fields& fields = exchange.head().fields;
  switch (key.kind) {
    case Kind::kSourceAddress: return exchange.client_text();
    case Kind::kPath: return exchange.path().path;
    case Kind::kQueryParameter: return wire::uri::find_query_value(exchange.path().query, key.name);
    case Kind::kCookie: return cookie_of(fields, key.name);
    case Kind::kHeader: {
      const wire::http::Field* field = wire::http::find(fields, key.name);
      if (!field) return std::nullopt;
      return field->value;
    }
  }
  return std::nullopt;
}

}  // namespace headgate::proxy
