#pragma once
// Upstream objects and their BackendTLSPolicies -> model::Upstream, each at a fixed index.
#include <cstdint>
#include <memory>
#include <vector>

#include "config/compile/context.h"
#include "model/route.h"

namespace headgate::config {

class Upstreams {
 public:
  explicit Upstreams(const Context& context);

  // Index for a backendRef of `from`; a fault when it does not resolve.
  struct Found {
    std::uint32_t index = model::Backend::kInvalid;
    Fault fault;
  };
  Found find(const Object& from, const Json& reference) const;

  std::vector<std::shared_ptr<const model::Upstream>> all;

 private:
  const Context& context_;
  ByName<std::uint32_t> index_;  // by "namespace/name"
};

model::HashKey hash_key_of(const Json& value);

}  // namespace headgate::config
