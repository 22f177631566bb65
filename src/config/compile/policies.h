#pragma once
// TrafficPolicy, CachePolicy, RateLimit and AccessPolicy: what is attached where, and what a rule
// ends up with.
#include <memory>
#include <string>
#include <vector>

#include "config/compile/context.h"
#include "config/compile/upstreams.h"
#include "model/listener.h"

namespace headgate::config {

// Policies along the way from the Gateway to the rule, outermost first.
struct Chain {
  std::vector<const Object*> traffic;
  std::vector<std::shared_ptr<const model::AccessPolicy>> access;
  std::vector<std::shared_ptr<const model::RateLimit>> limits;
  std::vector<const Object*> guards;     // what `access` and `limits` are made of
  const Object* cache_object = nullptr;  // the innermost CachePolicy, which holds as a whole
  std::shared_ptr<const model::CachePolicy> cache;  // null: none, or one that turns it off
  void append(const Chain& inner);
};

class Policies {
 public:
  Policies(const Context& context, const Upstreams& upstreams);

  // What is attached to one target: an object, or a section of it.
  const Chain& at_target(const Object& object, std::string_view section) const;
  // Fields of the chain merged, the innermost wins, over `overrides` of the rule itself; equal
  // results are one object.
  std::shared_ptr<const model::TrafficPolicy> traffic(const Chain& chain, const Json& overrides);
  model::PortSettings settings(const Chain& chain) const;
  // The same for equal lists of policies: what may be shared between listeners is decided by it.
  static std::string identity(const Chain& chain);

 private:
  void attach_traffic(const Object& policy);
  void attach_cache(const Upstreams& upstreams, const Object& policy);
  template <typename Add>
  void attach(const Object& policy, Add add);
  Json merged(const Chain& chain, const Json& overrides) const;

  const Context& context_;
  ByName<Chain> targets_;  // by "HTTPRoute default/shop#section"
  ByName<std::shared_ptr<const model::TrafficPolicy>> traffic_;
};

}  // namespace headgate::config
