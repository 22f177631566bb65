#pragma once
// Cache groups (RFC 9875): names by which a site ties its stored responses together, so that the
// answer to an unsafe request can invalidate all of a group. Of one origin. Pure.
#include <string>
#include <string_view>
#include <vector>

#include "wire/http/field.h"

namespace headgate::decide::cache {

inline constexpr std::size_t kGroupsMax = 64;  // of one response; the others do not count
inline constexpr std::size_t kGroupBytesMax =
    256;  // a longer name does not count (§2: at least 32)

inline constexpr std::string_view kCacheGroups = "cache-groups";
inline constexpr std::string_view kCacheGroupInvalidation = "cache-group-invalidation";

// The strings of the field of that name. None when it is not a list of strings (§2.1).
std::vector<std::string> groups_of(const wire::http::Fields& response, std::string_view field);

}  // namespace headgate::decide::cache
