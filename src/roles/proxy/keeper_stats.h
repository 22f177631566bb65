#pragma once
// What the keeper of upstreams counts. Control thread.
#include "base/counter.h"

namespace headgate::proxy {

struct KeeperStats {
  Counter lookups, lookup_failures;  // a failure leaves the last good addresses in use
  Counter addresses_over_limit;      // answers that were cut to the limit
  Counter endpoint_changes;          // sets published because an answer differed
  Counter checks, check_failures, checks_postponed;
  Counter turned_healthy, turned_unhealthy;
  Counter ejections_ended;
};

}  // namespace headgate::proxy
