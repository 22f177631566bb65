#pragma once
// What a policy says may mean nothing where it is attached: a TCP, TLS or UDP listener carries no
// HTTP requests. Such a policy looks like a guard and is none, so it is told: for AccessPolicy and
// RateLimit, which keep somebody out, as an error; for TrafficPolicy, whose fields are inherited by
// what can use them, and CachePolicy as a warning.
#include <string_view>

#include "config/compile/context.h"
#include "config/compile/listeners.h"
#include "config/compile/policies.h"

namespace headgate::config {

// Once every listener is bound.
void check_policy_reach(const Context& context, const Listeners& listeners,
                        const Policies& policies);

// Whether some protocol can use the field "timeouts.request" of a TrafficPolicy; false: the table
// does not know it.
bool traffic_field_is_placed(std::string_view path);

}  // namespace headgate::config
