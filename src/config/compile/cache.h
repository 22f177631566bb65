#pragma once
// CachePolicy objects -> model, and what beside a policy keeps entries of the cache apart.
#include <cstdint>
#include <memory>

#include "config/compile/context.h"
#include "config/compile/upstreams.h"
#include "model/cache_policy.h"

namespace headgate::config {

// Null: the policy turns the cache off. A shield that does not resolve is reported and left out:
// the backends are asked instead.
std::shared_ptr<const model::CachePolicy> cache_policy_of(const Context& context,
                                                          const Upstreams& upstreams,
                                                          const Object& object);

// model::Rule::cache_scope of a rule of a route. It is the same over restarts and releases, because
// entries on disk are found by it; weights are no part of it, and a backend without any is one, so
// that shifting traffic to it keeps what is cached.
std::uint64_t cache_scope_of(const Object& route, const Json& rule);

}  // namespace headgate::config
