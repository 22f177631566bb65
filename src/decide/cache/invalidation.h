#pragma once
// What a request that may change things takes out of the cache (RFC 9111 §4.4). The store is asked
// by URL, not by key: every variant and every keyed header, cookie and device of it. Pure.
#include <optional>
#include <string>
#include <string_view>

#include "decide/cache/key.h"
#include "wire/http/message.h"

namespace headgate::decide::cache {

// Whether the target of a request is invalid after this answer: the method is not known to be safe,
// and the answer is no error.
bool invalidates(wire::http::Method method, int status);

struct ResolveScratch {
  std::string reference, path;
};

// The URL that Location or Content-Location means, when it is of the same origin as the request:
// others could be anybody's. `target`: path and query of the request. The views live as long as the
// arguments and `scratch`.
std::optional<KeyInput> same_origin_url(const KeyInput& request, std::string_view target,
                                        std::string_view reference, ResolveScratch& scratch);

}  // namespace headgate::decide::cache
