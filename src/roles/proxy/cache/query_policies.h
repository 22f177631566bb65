#pragma once
// Which ways there are to leave the query of a URL in the key: a purge of a URL has to name the
// stored responses under each of them. Pure, any thread.
#include <vector>

#include "model/snapshot.h"

namespace headgate::proxy {

// Of all rules, each way once. The views live as long as the snapshot.
std::vector<const model::CacheKeyPolicy*> query_policies(const model::Snapshot& snapshot);

}  // namespace headgate::proxy
