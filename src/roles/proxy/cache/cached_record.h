#pragma once
// The metadata of a stored response in both stores: what decisions read, and when its fetch began.
#include <cstdint>
#include <type_traits>

#include "model/stored_response.h"

namespace headgate::proxy {

struct CachedRecord {
  model::StoredResponse response;
  std::uint64_t born = 0;  // PurgeBook::now() then
};
static_assert(std::has_unique_object_representations_v<CachedRecord>);

}  // namespace headgate::proxy
