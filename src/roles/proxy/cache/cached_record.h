#pragma once
// The metadata of a stored response in both stores: what decisions read, when its fetch began, and
// of a large object what its slices are found by.
#include <cstdint>
#include <type_traits>

#include "model/stored_response.h"

namespace headgate::proxy {

struct CachedRecord {
  model::StoredResponse response;
  std::uint64_t born = 0;  // PurgeBook::now() then
  std::uint64_t series =
      0;  // of its slices, random; the object itself has no body. 0: not in slices
};
static_assert(std::has_unique_object_representations_v<CachedRecord>);

}  // namespace headgate::proxy
