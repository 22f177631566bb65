#pragma once
// What the object cache holds and does, as metrics. Control thread.
#include "base/metrics_text.h"
#include "roles/proxy/cache/object_cache.h"

namespace headgate::proxy {

void collect_cache(MetricsText& out, ObjectCache& cache);

}  // namespace headgate::proxy
