#include "decide/route/cors.h"

#include <algorithm>

#include "base/ascii.h"

namespace headgate::decide::route {
namespace {

using wire::http::FieldId;

struct OriginParts {
  std::string_view scheme, host, port;
};

std::optional<OriginParts> split_origin(std::string_view text) {
  const std::size_t colon = text.find("://");
  if (colon == std::string_view::npos || colon == 0) return std::nullopt;
  OriginParts parts{text.substr(0, colon), text.substr(colon + 3), {}};
  const std::size_t bracket = parts.host.rfind(']');
  const std::size_t port = parts.host.rfind(':');
  if (port == std::string_view::npos || (bracket != std::string_view::npos && port < bracket))
    return parts;
  parts.port = parts.host.substr(port);
  parts.host = parts.host.substr(0, port);
  return parts;
}

bool origin_host_matches(std::string_view pattern, std::string_view host) {
  if (pattern == "*") return !host.empty();
  if (!pattern.starts_with("*.")) return equals_ignore_case(pattern, host);
  pattern.remove_prefix(1);
  return host.size() > pattern.size() &&
         equals_ignore_case(pattern, host.substr(host.size() - pattern.size()));
}

bool has(const std::vector<std::string>& list, std::string_view wanted) {
  return std::find(list.begin(), list.end(), wanted) != list.end();
}

bool is_allowed(const model::Cors& cors, std::string_view origin) {
  return std::any_of(cors.allow_origins.begin(), cors.allow_origins.end(),
                     [&](const std::string& pattern) { return origin_matches(pattern, origin); });
}

std::string joined(const std::vector<std::string>& list) {
  std::string out;
  for (const std::string& item : list) {
    if (!out.empty()) out += ", ";
    out += item;
  }
  return out;
}

// A wildcard says "*" to a request without credentials; with credentials browsers take it
// literally, so `named` stands in.
std::string list_or_star(const std::vector<std::string>& list, bool credentials,
                         std::string_view named) {
  if (!has(list, "*")) return joined(list);
  return credentials ? std::string(named) : "*";
}

// The answer to an origin, and whether caches must keep it apart by origin.
bool add_origin(CorsFields& out, const model::Cors& cors, std::string_view origin) {
  const bool any = !cors.allow_credentials && has(cors.allow_origins, "*");
  if (!any) out.push_back({"vary", "origin"});
  if (!is_allowed(cors, origin)) return false;
  out.push_back({"access-control-allow-origin", any ? "*" : std::string(origin)});
  if (cors.allow_credentials) out.push_back({"access-control-allow-credentials", "true"});
  return true;
}

void add_unless_empty(CorsFields& out, std::string_view name, std::string value) {
  if (!value.empty()) out.push_back({name, std::move(value)});
}

std::string_view value_of(const wire::http::Fields& fields, FieldId id) {
  const auto* field = wire::http::find(fields, id);
  return field ? field->value : std::string_view();
}

std::string names_of(const wire::http::Fields& response) {
  std::vector<std::string> names;
  for (const auto& field : response) {
    std::string name = to_lower(field.name);
    if (field.id != FieldId::kSetCookie && !has(names, name)) names.push_back(std::move(name));
  }
  return joined(names);
}

}  // namespace

bool origin_matches(std::string_view pattern, std::string_view origin) {
  if (pattern == "*") return true;
  const auto wanted = split_origin(pattern), given = split_origin(origin);
  if (!wanted || !given) return false;
  return equals_ignore_case(wanted->scheme, given->scheme) && wanted->port == given->port &&
         origin_host_matches(wanted->host, given->host);
}

std::optional<CorsFields> preflight(const model::Cors& cors, std::string_view method,
                                    const wire::http::Fields& request) {
  const auto* origin = wire::http::find(request, FieldId::kOrigin);
  const auto* wanted = wire::http::find(request, FieldId::kAccessControlRequestMethod);
  if (method != "OPTIONS" || !origin || !wanted) return std::nullopt;
  CorsFields out;
  if (!add_origin(out, cors, origin->value)) return out;
  const bool credentials = cors.allow_credentials;
  const auto headers = value_of(request, FieldId::kAccessControlRequestHeaders);
  add_unless_empty(out, "access-control-allow-methods",
                   list_or_star(cors.allow_methods, credentials, wanted->value));
  add_unless_empty(out, "access-control-allow-headers",
                   list_or_star(cors.allow_headers, credentials, headers));
  std::string age;
  append_decimal(age, cors.max_age_seconds);
  out.push_back({"access-control-max-age", std::move(age)});
  return out;
}

CorsFields response_fields(const model::Cors& cors, const wire::http::Fields& request,
                           const wire::http::Fields& response) {
  CorsFields out;
  const auto* origin = wire::http::find(request, FieldId::kOrigin);
  if (!origin) {
    if (cors.allow_credentials || !has(cors.allow_origins, "*")) out.push_back({"vary", "origin"});
    return out;
  }
  if (!add_origin(out, cors, origin->value)) return out;
  const bool named = cors.allow_credentials && has(cors.expose_headers, "*");
  add_unless_empty(out, "access-control-expose-headers",
                   named ? names_of(response) : joined(cors.expose_headers));
  return out;
}

}  // namespace headgate::decide::route
