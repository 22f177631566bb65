#pragma once
// Matches and filters of HTTPRoute and GRPCRoute rules -> model.
#include <optional>
#include <vector>

#include "base/result.h"
#include "config/compile/context.h"
#include "config/compile/upstreams.h"
#include "model/route.h"

namespace headgate::config {

// RE2 over bytes, bounded in memory and program size. The error says why it was refused.
Result<model::Regex> compile_regex(std::string_view expression);

// nullopt: reported, and the match can never be true.
std::optional<model::Match> http_match_of(const Context& context, const Json& value,
                                          const Place& place);
std::optional<model::Match> grpc_match_of(const Context& context, const Json& value,
                                          const Place& place);

// Unresolved references are added to `faults` besides being reported.
model::Filters filters_of(const Context& context, const Upstreams& upstreams, const Object& route,
                          const Json& list, const Place& place, std::vector<Fault>& faults);

}  // namespace headgate::config
