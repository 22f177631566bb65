#pragma once
// The labels that stored responses carry and purges name, and the canonical text of what an
// operator writes to name them. One place, because a purge must spell a thing exactly as the cache
// spelled it when it kept the response. Pure, any thread. The append functions allocate nothing
// once `out` has grown.
//
//   n NAMESPACE          of the route
//   h HOST               without port, lower case
//   u URL                https://host[:port]/path[?query], with the query as keyed
//   t NAMESPACE \n TAG
//   g ORIGIN \n GROUP
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/result.h"
#include "decide/cache/key.h"

namespace headgate::proxy {

// Of a label. A longer URL is cut, and a hash of all of it stands behind a line feed.
inline constexpr std::size_t kLabelTextMax = 1024;

void append_namespace_label(std::string& out, std::string_view name);
void append_host_label(std::string& out, std::string_view host);
// `url.query`: the keyed one (CacheKey::query).
void append_url_label(std::string& out, const decide::cache::KeyInput& url);
// RFC 9875 §2: a group is of the origin of the URL.
void append_group_label(std::string& out, const decide::cache::KeyInput& url,
                        std::string_view group);
void append_tag_label(std::string& out, std::string_view name, std::string_view tag);

// A label as a word for the disk: the same in every process and version.
std::uint64_t label_hash(std::string_view label);

// What an operator wrote, as the key of a request for it has it: default port dropped, host in
// lower case, path normalised, query as written. The views are of `text` and of `path`. Errors are
// kInvalid and say what was expected.
Result<decide::cache::KeyInput> read_url(std::string_view text, std::string& path);
// "https://a.example/img/": what locators begin with. Has no query; without a path it is the whole
// origin.
Result<std::string> canonical_prefix(std::string_view text);
Result<std::string> canonical_host(std::string_view text);
Status check_namespace(std::string_view text);
Status check_tag(std::string_view text);

}  // namespace headgate::proxy
