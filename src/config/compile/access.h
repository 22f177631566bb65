#pragma once
// AccessPolicy and RateLimit objects -> model.
#include <memory>
#include <vector>

#include "config/compile/context.h"
#include "config/compile/upstreams.h"
#include "model/policy.h"

namespace headgate::config {

std::vector<std::shared_ptr<const model::RateLimit>> rate_limits_of(const Object& object);
// A part that cannot be resolved is reported and leaves a policy that refuses: never one that lets
// everybody in.
std::shared_ptr<const model::AccessPolicy> access_policy_of(const Context& context,
                                                            const Upstreams& upstreams,
                                                            const Object& object);

}  // namespace headgate::config
