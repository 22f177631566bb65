#pragma once
// Shielding: what is missing here is asked of a parent edge, which asks the origin. CDN-Loop (RFC
// 8586) tells an edge that it was asked by another one, or by itself. Pure.
#include <cstdint>
#include <string>
#include <string_view>

#include "decide/cache/key.h"
#include "wire/http/field.h"

namespace headgate::proxy {

enum class Asker : std::uint8_t {
  kClient,
  kEdge,  // another edge of this network: it is not sent to a parent once more
  kSelf,  // this very process: it may not wait for the fetch that it is part of
};

// `instance`: of this process, a token.
Asker asker_of(const wire::http::Fields& request, std::string_view pseudonym,
               std::string_view instance);

// The member of CDN-Loop by which the next one knows.
void append_loop_member(std::string& out, std::string_view pseudonym, std::string_view instance);

// Which parent a URL has: the same on every edge, whatever its process.
std::uint64_t home_hash(const decide::cache::KeyInput& url);

}  // namespace headgate::proxy
