#pragma once
// The access policies of a snapshot in the form that workers ask: address sets, API keys by hash, parsed key sets. Built
// once, off the workers, as part of Prepared; immutable afterwards. Key sets that come from a URL are read through their
// JwksSource, which changes under it.
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/result.h"
#include "decide/access/policy.h"
#include "model/policy.h"
#include "roles/proxy/jwks_keeper.h"

namespace headgate::proxy {

class PreparedPolicy {
 public:
  // Errors: an inline key set that cannot be used. `jwks` is told about the URLs.
  static Result<std::unique_ptr<PreparedPolicy>> make(std::shared_ptr<const model::AccessPolicy> policy, JwksKeeper& jwks);

  const model::AccessPolicy& definition() const { return *definition_; }
  // `request.keys` is filled in here. An unknown key asks for its URL to be fetched again.
  decide::access::AccessVerdict decide(decide::access::AccessRequest request) const;
  bool allows(const wire::ip::IpAddress& client) const { return compiled_.allows(client); }

 private:
  struct Keys {
    std::shared_ptr<const decide::access::Jwks> fixed;
    std::shared_ptr<JwksSource> source;  // null: `fixed`
  };
  explicit PreparedPolicy(std::shared_ptr<const model::AccessPolicy> policy)
      : definition_(std::move(policy)), compiled_(*definition_) {}

  std::shared_ptr<const model::AccessPolicy> definition_;
  decide::access::CompiledPolicy compiled_;
  std::vector<Keys> keys_;  // by provider
};

// By the policy that a rule of the snapshot points at.
class PreparedAccess {
 public:
  // Does nothing for one that it has already.
  Status add(const std::shared_ptr<const model::AccessPolicy>& policy, JwksKeeper& jwks);
  const PreparedPolicy& of(const model::AccessPolicy& policy) const { return *policies_.at(&policy); }

 private:
  std::unordered_map<const model::AccessPolicy*, std::unique_ptr<PreparedPolicy>> policies_;
};

}  // namespace headgate::proxy
