#pragma once
// Why a request is, or is not, answered from the cache, and why its answer was not kept: the same
// decisions as for traffic (decide/), with nothing sent and nothing changed. Control thread.
//
// It looks at the memory, not at the disk. Fields that the rule or the proxy adds to a request are
// not there: a policy or a Vary that looks at one of these is told of the client's.
#include <string>
#include <string_view>

#include "base/result.h"
#include "base/time.h"
#include "model/snapshot.h"
#include "roles/proxy/cache/object_cache.h"
#include "wire/http/field.h"

namespace headgate::proxy {

struct CacheQuestion {
  std::string_view url;
  std::string_view method = "GET";
  wire::http::Fields fields;
};

// JSON, documented in docs/purging.md. Errors are kInvalid: the URL.
Result<std::string> explain(const CacheQuestion& question, const model::Snapshot& snapshot,
                            ObjectCache& cache, Instant now, WallTime wall);

}  // namespace headgate::proxy
