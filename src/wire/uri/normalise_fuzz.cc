// Any bytes as a target under every policy (the first byte chooses): the result is canonical, and
// normalising again changes nothing. The same bytes as a reference lead to a target of that kind.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/uri/normalise.h"
#include "wire/uri/percent.h"
#include "wire/uri/query.h"
#include "wire/uri/reference.h"

namespace {

using namespace headgate::wire::uri;

void check_path(std::string_view path, PathPolicy policy) {
  HG_CHECK(path.starts_with('/'), "path begins with a slash");
  std::string decoded;
  HG_CHECK(percent_decode(decoded, path), "escapes are well formed");
  HG_CHECK(decoded.find('\0') == std::string::npos, "no NUL");
  std::string segments = std::string(path) + '/';
  HG_CHECK(segments.find("/../") == std::string::npos && segments.find("/./") == std::string::npos,
           "no dot segment");
  for (const char c : path) HG_CHECK(c == '%' || is_of(c, kPathChar), "path characters alone");
  if (policy.encoded_slash != EncodedSlash::kKeep)
    HG_CHECK(path.find("%2F") == std::string_view::npos, "no encoded slash is left");
  if (policy.merge_slashes)
    HG_CHECK(path.find("//") == std::string_view::npos, "slashes are merged");
}

void check_reference(std::string_view text) {
  std::string storage;
  const auto reference = resolve_reference(text, "/b/c?d", storage);
  if (!reference) return;
  HG_CHECK(reference->target.starts_with('/') || reference->target.starts_with('?'), "a target");
  HG_CHECK(reference->scheme.empty() || !reference->authority.empty(), "a scheme has a host");
  HG_CHECK(reference->target.find('#') == std::string_view::npos, "no fragment");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const PathPolicy policy{.encoded_slash = static_cast<EncodedSlash>(data[0] % 3),
                          .merge_slashes = data[0] >= 128};
  const std::string target(reinterpret_cast<const char*>(data) + 1, size - 1);
  check_reference(target);
  std::string storage, again_storage;
  const auto info = normalise(target, policy, storage);
  if (!info || info->path == "*") return 0;
  check_path(info->path, policy);
  const auto again = normalise(info->path, policy, again_storage);
  HG_CHECK(again && again->path == info->path && !again->normalised,
           "normalising twice changes nothing");
  QueryPairs pairs(info->query);
  std::string text;
  for (QueryPair pair; pairs.next(pair);) {
    append_query_text(text, pair.name);
    text.clear();
    append_query_text(text, pair.value);
    HG_CHECK(query_text_equals(pair.value, text), "decoded text equals its encoding");
    text.clear();
  }
  return 0;
}
