#pragma once
// URI references as Location and Content-Location carry them, resolved against the URI of the
// request (RFC 3986 §5.2) as far as HTTP needs. Pure, any thread.
#include <optional>
#include <string>
#include <string_view>

namespace headgate::wire::uri {

struct Reference {
  std::string_view scheme;     // empty: that of the base
  std::string_view authority;  // empty: that of the base
  std::string_view target;     // path and query, dot segments and all: give it to normalise()
};

// `base_target`: path and query of the request. The fragment is dropped. None for schemes other
// than http and https, and for an authority that is empty. `storage` is overwritten when the target
// has to be put together.
std::optional<Reference> resolve_reference(std::string_view reference, std::string_view base_target,
                                           std::string& storage);

}  // namespace headgate::wire::uri
