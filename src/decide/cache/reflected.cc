#include "decide/cache/reflected.h"

#include <algorithm>

#include "base/ascii.h"

namespace headgate::decide::cache {
namespace {

constexpr std::string_view kInfluences[] = {
    "forwarded",
    "x-forwarded-host",
    "x-forwarded-port",
    "x-forwarded-proto",
    "x-forwarded-scheme",
    "x-forwarded-server",
    "x-forwarded-path",
    "x-forwarded-prefix",
    "x-forwarded-ssl",
    "x-forwarded-by",
    "x-host",
    "x-http-host-override",
    "x-original-host",
    "x-original-url",
    "x-rewrite-url",
    "x-original-uri",
    "x-http-method",
    "x-method-override",
    "x-http-method-override",
    "x-scheme",
    "x-url-scheme",
    "front-end-https",
    "x-proxyuser-ip",
    "x-wap-profile",
};

}  // namespace

bool is_unkeyed_influence(const wire::http::Field& field, const model::CacheKeyPolicy& key) {
  const auto is_name = [&](std::string_view name) { return equals_ignore_case(field.name, name); };
  return std::any_of(std::begin(kInfluences), std::end(kInfluences), is_name) &&
         std::none_of(key.headers.begin(), key.headers.end(), is_name);
}

}  // namespace headgate::decide::cache
