#include <fmt/format.h>

#include <algorithm>

#include "config/compile/context.h"
#include "config/compile/listeners.h"
#include "config/compile/policies.h"
#include "config/compile/policy_reach.h"
#include "config/compile/routes.h"
#include "config/compile/upstreams.h"
#include "config/config.h"

namespace headgate::config {
namespace {

bool is_broken_gateway(const std::shared_ptr<const Object>& object) {
  return object->kind->name == "Gateway" && !object->valid;
}

// Law 2: nothing to listen on is a mistake, not a wish. It is told only when nothing else that was
// told is the reason.
bool is_empty(const std::vector<model::Port>& ports, const Objects& objects,
              const Context& context) {
  if (!ports.empty()) return false;
  const bool told = context.out.problems.errors() > 0 ||
                    std::any_of(objects.begin(), objects.end(), is_broken_gateway);
  if (told) return true;
  const bool none = context.of("Gateway").empty();
  context.out.problems.add(
      {Severity::kError,
       {},
       0,
       {},
       {},
       none ? "expected at least one Gateway: an empty configuration is refused"
            : "no listener of any Gateway can be served: an empty configuration is refused",
       {}});
  return true;
}

}  // namespace

Compiled compile(const Objects& objects, const CompileOptions& options) {
  Compiled out;
  out.objects = objects.size();
  const Context context(objects, options, out);
  const Upstreams upstreams(context);
  Policies policies(context, upstreams);
  Listeners listeners(context, policies);
  check_policy_reach(context, listeners, policies);
  World world{context, upstreams, policies, listeners, 0};
  compile_http_routes(world);
  compile_forward_routes(world);
  auto snapshot = std::make_shared<model::Snapshot>();
  snapshot->ports = listeners.finish(policies);
  snapshot->upstreams = upstreams.all;
  snapshot->rules = world.rules;
  snapshot->revision = options.revision;
  snapshot->locality = options.locality;
  const bool empty = is_empty(snapshot->ports, objects, context);
  if (!empty && out.problems.errors() == 0) out.snapshot = std::move(snapshot);
  return out;
}

}  // namespace headgate::config
