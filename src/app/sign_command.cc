#include "app/sign_command.h"

#include <fmt/format.h>

#include <cstdio>

#include "decide/access/limits.h"
#include "decide/access/signed_url.h"
#include "io/clock.h"
#include "io/file.h"
#include "wire/http/authority.h"
#include "wire/ip/address.h"
#include "wire/uri/normalise.h"

namespace headgate::app {
namespace {

namespace access = decide::access;

constexpr std::size_t kKeyBytesMax = 65536;

std::unexpected<Error> refuse(std::string message) {
  return fail(Code::kInvalid, std::move(message), Source::kClient);
}

struct Parts {
  std::string_view before;  // "https://"
  wire::http::Authority authority;
  std::string_view authority_text, target;  // the target begins with '/' or '?', or is empty
};

Result<Parts> split(std::string_view url) {
  const std::size_t scheme = url.find("://");
  const std::string_view name = url.substr(0, scheme);
  if (scheme == std::string_view::npos || (name != "http" && name != "https"))
    return refuse(
        fmt::format("expected a URL such as https://cdn.example/video.mp4, got '{}'", url));
  const std::size_t begin = scheme + 3;
  const std::size_t end = std::min(url.find_first_of("/?#", begin), url.size());
  Parts out{url.substr(0, begin), {}, url.substr(begin, end - begin), url.substr(end)};
  const auto authority = wire::http::parse_authority(out.authority_text);
  if (!authority)
    return refuse(
        fmt::format("expected a host, with or without a port, got '{}'", out.authority_text));
  out.authority = *authority;
  return out;
}

Result<model::SignedUrls::Key> read_key(const SignUrlOptions& options) {
  auto bytes = io::read_file(options.key_file, kKeyBytesMax);
  if (!bytes) return std::unexpected(bytes.error());
  if (bytes->size() < access::kUrlKeyBytesMin)
    return refuse(fmt::format("{}: expected at least {} bytes of key, got {}", options.key_file,
                              access::kUrlKeyBytesMin, bytes->size()));
  return model::SignedUrls::Key{options.key_id, std::move(*bytes)};
}

Result<std::string> address_text(const std::string& address) {
  if (address.empty()) return std::string();
  const auto parsed = wire::ip::parse_ip(address);
  if (!parsed) return refuse(fmt::format("--address: '{}' is not an IP address", address));
  return wire::ip::to_string(*parsed);
}

Status check_prefix(const std::string& prefix, std::string_view path) {
  if (prefix.empty()) return {};
  if (!access::is_url_prefix(prefix))
    return refuse(
        fmt::format("--prefix: expected a path that begins and ends with '/', without "
                    "query, '&' and spaces, got '{}'",
                    prefix));
  if (!path.starts_with(prefix))
    return refuse(fmt::format("--prefix: '{}' does not begin with '{}'", path, prefix));
  return {};
}

}  // namespace

Result<std::string> signed_url(const SignUrlOptions& options, WallTime now) {
  const auto parts = split(options.url);
  if (!parts) return std::unexpected(parts.error());
  const auto key = read_key(options);
  if (!key) return std::unexpected(key.error());
  const auto address = address_text(options.address);
  if (!address) return std::unexpected(address.error());
  std::string path_storage, host_storage;
  const auto path =
      wire::uri::normalise(parts->target.empty() ? "/" : parts->target, {}, path_storage);
  if (!path) return refuse(fmt::format("'{}': {}", options.url, path.error().reason));
  if (const Status good = check_prefix(options.prefix, path->path); !good)
    return std::unexpected(good.error());
  if (access::has_signature(path->query, options.parameter_prefix))
    return refuse(fmt::format("'{}' is signed already", options.url));
  access::UrlToSign url;
  url.host = wire::http::lower_host(parts->authority.host, host_storage);
  url.path = path->path;
  // An empty query is one without pairs: what is signed is what is left of them.
  url.query = {std::string(path->query), !path->query.empty()};
  url.prefix = options.prefix;
  url.address = *address;
  url.expires_s = (now + options.expires_in).seconds();
  return fmt::format("{}{}{}?{}{}{}", parts->before, parts->authority_text, url.path,
                     url.query.text, url.query.is_there ? "&" : "",
                     access::sign_url(url, *key, options.parameter_prefix));
}

int sign_url(const SignUrlOptions& options) {
  const auto url = signed_url(options, io::wall_now());
  if (!url) {
    fmt::print(stderr, "headgate: {}\n", url.error().message);
    return url.error().code == Code::kInvalid ? kExitUsage : kExitFailure;
  }
  fmt::print("{}\n", *url);
  return 0;
}

}  // namespace headgate::app
