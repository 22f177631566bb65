#include "decide/cache/invalidation.h"

#include "base/ascii.h"
#include "wire/http/authority.h"
#include "wire/uri/normalise.h"
#include "wire/uri/reference.h"

namespace headgate::decide::cache {
namespace {

std::uint16_t port_of(std::string_view scheme, std::optional<std::uint16_t> port) {
  return port.value_or(equals_ignore_case(scheme, "https") ? 443 : 80);
}

bool is_same_origin(const KeyInput& request, const wire::uri::Reference& reference) {
  const std::string_view scheme = reference.scheme.empty() ? request.scheme : reference.scheme;
  if (!equals_ignore_case(scheme, request.scheme)) return false;
  if (reference.authority.empty()) return true;
  const auto authority = wire::http::parse_authority(reference.authority);
  return authority && equals_ignore_case(authority->host, request.host) &&
         port_of(scheme, authority->port) == port_of(scheme, request.port);
}

}  // namespace

bool invalidates(wire::http::Method method, int status) {
  return !wire::http::is_safe(method) && status >= 200 && status < 400;
}

std::optional<KeyInput> same_origin_url(const KeyInput& request, std::string_view target,
                                        std::string_view reference, ResolveScratch& scratch) {
  const auto resolved = wire::uri::resolve_reference(reference, target, scratch.reference);
  if (!resolved || !is_same_origin(request, *resolved)) return std::nullopt;
  const auto path = wire::uri::normalise(resolved->target, {}, scratch.path);
  if (!path) return std::nullopt;
  KeyInput out = request;
  out.path = path->path;
  out.query = {path->query, path->has_query};
  return out;
}

}  // namespace headgate::decide::cache
