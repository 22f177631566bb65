#pragma once
// `headgate purge` and `headgate cache explain`: ask a running edge over its admin port. Blocking.
#include <string>

#include "app/options.h"

namespace headgate::app {

int purge(const PurgeOptions& options);
int explain(const ExplainOptions& options);

}  // namespace headgate::app
