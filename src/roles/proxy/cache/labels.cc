#include "roles/proxy/cache/labels.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/ascii.h"
#include "base/siphash.h"
#include "decide/cache/tags.h"
#include "wire/http/authority.h"
#include "wire/uri/normalise.h"

namespace headgate::proxy {
namespace {

using decide::cache::KeyInput;

constexpr std::size_t kNamespaceBytesMax = 63;  // RFC 1123 §2.1
// Public: a collision makes a purge take too much, never too little.
constexpr SipKey kLabelKey{0x6c6162656c73206fULL, 0x6620707572676573ULL};
constexpr std::size_t kHashDigits = 32;

void append_lower(std::string& out, std::string_view text) {
  const std::size_t begin = out.size();
  out += text;
  for (std::size_t at = begin; at < out.size(); ++at) out[at] = to_lower(out[at]);
}

// A line feed stands in no URL, so a label that was cut is not that of another URL.
void cut_label(std::string& out, std::size_t begin) {
  if (out.size() - begin <= kLabelTextMax) return;
  const Hash128 hash = SipHash<>::hash(std::string_view(out).substr(begin), kLabelKey);
  out.resize(begin + kLabelTextMax - kHashDigits - 1);
  out += '\n';
  append_hex(out, hash.high, 16);
  append_hex(out, hash.low, 16);
}

std::unexpected<Error> refuse(std::string message) {
  return fail(Code::kInvalid, std::move(message), Source::kClient);
}

// Begins KeyInput, and leaves in `text` what follows the authority.
Result<KeyInput> read_origin(std::string_view& text) {
  KeyInput out;
  const std::size_t colon = text.find("://");
  out.scheme = text.substr(0, colon == std::string_view::npos ? 0 : colon);
  if (!equals_ignore_case(out.scheme, "http") && !equals_ignore_case(out.scheme, "https"))
    return refuse(fmt::format("'{}' does not begin with http:// or https://", text));
  const std::string_view rest = text.substr(colon + 3);
  const std::string_view authority = rest.substr(0, rest.find_first_of("/?#"));
  const auto parsed = wire::http::parse_authority(authority);
  if (!parsed)
    return refuse(fmt::format("'{}': '{}' is not a host name or address, with or without a port",
                              text, authority));
  out.host = parsed->host;
  out.port = parsed->port;
  text = rest.substr(authority.size());
  return out;
}

std::unexpected<Error> refuse_target(std::string_view text, std::string_view reason) {
  if (text.find('#') != std::string_view::npos)
    return refuse(
        fmt::format("'{}': leave out what begins with '#', a client never sends it", text));
  return refuse(fmt::format("'{}': {}", text, reason));
}

}  // namespace

void append_namespace_label(std::string& out, std::string_view name) {
  out += 'n';
  out += name;
}

void append_host_label(std::string& out, std::string_view host) {
  out += 'h';
  append_lower(out, host);
}

void append_url_label(std::string& out, const KeyInput& url) {
  const std::size_t begin = out.size();
  out += 'u';
  decide::cache::append_origin(out, url);
  out += url.path;
  if (url.query.is_there) out.append("?").append(url.query.text);
  cut_label(out, begin);
}

void append_group_label(std::string& out, const KeyInput& url, std::string_view group) {
  out += 'g';
  decide::cache::append_origin(out, url);
  out += '\n';
  out += group;
}

void append_tag_label(std::string& out, std::string_view name, std::string_view tag) {
  out += 't';
  out.append(name).append("\n").append(tag);
}

std::uint64_t label_hash(std::string_view label) { return SipHash<>::hash(label, kLabelKey).low; }

Result<KeyInput> read_url(std::string_view text, std::string& path) {
  std::string_view rest = text;
  Result<KeyInput> out = read_origin(rest);
  if (!out) return out;
  const auto target = wire::uri::normalise(rest.empty() ? "/" : rest, {}, path);
  if (!target) return refuse_target(text, target.error().reason);
  out->path = target->path;
  out->query = {target->query, target->has_query};
  return out;
}

Result<std::string> canonical_prefix(std::string_view text) {
  std::string_view rest = text;
  const Result<KeyInput> origin = read_origin(rest);
  if (!origin) return std::unexpected(origin.error());
  if (rest.find('?') != std::string_view::npos)
    return refuse(
        fmt::format("'{}': a prefix has no query; purge a URL with its query by itself", text));
  // The end of a prefix may lie within a segment: with a letter behind it, "/a/.." is the beginning
  // of "/a/..x" and not a way up.
  std::string path;
  const std::string begun = std::string(rest.empty() ? "/" : rest) + "x";
  const auto target = wire::uri::normalise(begun, {}, path);
  if (!target) return refuse_target(text, target.error().reason);
  std::string out;
  decide::cache::append_origin(out, *origin);
  out += target->path.substr(0, target->path.size() - 1);
  return out;
}

Result<std::string> canonical_host(std::string_view text) {
  const auto parsed = wire::http::parse_authority(text);
  if (!parsed) return refuse(fmt::format("'{}' is not a host name or address", text));
  if (parsed->port)
    return refuse(
        fmt::format("'{}': a host is purged on all of its ports; leave out the port", text));
  std::string out;
  append_lower(out, parsed->host);
  return out;
}

Status check_namespace(std::string_view text) {
  const auto is_good = [](char c) { return (c >= 'a' && c <= 'z') || is_digit(c) || c == '-'; };
  const bool is_name = !text.empty() && text.size() <= kNamespaceBytesMax &&
                       std::all_of(text.begin(), text.end(), is_good) && text.front() != '-' &&
                       text.back() != '-';
  if (is_name) return {};
  return refuse(
      fmt::format("'{}' is not the name of a namespace: letters a-z, digits and '-'", text));
}

Status check_tag(std::string_view text) {
  const bool is_tag = !text.empty() && text.size() <= decide::cache::kTagBytesMax &&
                      std::all_of(text.begin(), text.end(), [](char c) {
                        return static_cast<unsigned char>(c) > ' ' && c != ',' && c != '\x7f';
                      });
  if (is_tag) return {};
  return refuse(fmt::format("'{}' is not a tag: up to {} bytes without commas, spaces and controls",
                            text, decide::cache::kTagBytesMax));
}

}  // namespace headgate::proxy
