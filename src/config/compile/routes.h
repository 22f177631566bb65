#pragma once
// HTTPRoute and GRPCRoute -> route entries of the listeners that they attach to; TLSRoute,
// TCPRoute, UDPRoute -> forward rules.
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "config/compile/context.h"
#include "config/compile/listeners.h"
#include "config/compile/policies.h"
#include "config/compile/upstreams.h"

namespace headgate::config {

struct World {
  const Context& context;
  const Upstreams& upstreams;
  Policies& policies;
  Listeners& listeners;
  std::uint32_t rules = 0;  // ids given so far
};

// A listener that a route attaches to, and the host names that it gets there ("": every one of the
// listener's).
struct Attachment {
  BoundListener* listener;
  std::vector<std::string> hostnames;
};

// Follows parentRefs, reports what does not fit, adds a status for each parent with the conditions
// given (ResolvedRefs, ...).
std::vector<Attachment> attach_route(World& world, const Object& route,
                                     const std::vector<Condition>& conditions);

void compile_http_routes(World& world);     // HTTPRoute, GRPCRoute
void compile_forward_routes(World& world);  // TLSRoute, TCPRoute, UDPRoute

// Backends of a rule; an unresolved one keeps its weight. Zero weights are left out.
std::vector<model::Backend> backends_of(const World& world, const Object& route,
                                        const Json& references, const Place& place,
                                        std::vector<Fault>& faults);
std::vector<Condition> conditions_for(const std::vector<Fault>& faults);

}  // namespace headgate::config
