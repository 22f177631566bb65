#include "roles/proxy/prepared_access.h"

#include <utility>

namespace headgate::proxy {

namespace access = decide::access;

Result<std::unique_ptr<PreparedPolicy>> PreparedPolicy::make(std::shared_ptr<const model::AccessPolicy> policy,
                                                             JwksKeeper& jwks) {
  std::unique_ptr<PreparedPolicy> out(new PreparedPolicy(std::move(policy)));
  for (const model::JwtProvider& provider : out->definition_->jwt) {
    if (!provider.jwks_url.empty()) {
      out->keys_.push_back({nullptr, jwks.source_of(provider.jwks_url, provider.jwks_refresh)});
      continue;
    }
    if (provider.jwks.empty()) {  // its definition is faulty: the policy refuses, others are served
      out->keys_.push_back({nullptr, nullptr});
      continue;
    }
    auto parsed = access::parse_jwks(provider.jwks);
    if (!parsed) {
      return fail(parsed.error().code,
                  "AccessPolicy " + out->definition_->name + ": provider '" + provider.name + "': " + parsed.error().message);
    }
    out->keys_.push_back({std::make_shared<const access::Jwks>(std::move(*parsed)), nullptr});
  }
  return out;
}

access::AccessVerdict PreparedPolicy::decide(access::AccessRequest request) const {
  if (keys_.empty()) return compiled_.decide(request);
  std::vector<std::shared_ptr<const access::Jwks>> now_known;
  now_known.reserve(keys_.size());
  for (const Keys& keys : keys_) now_known.push_back(keys.source ? keys.source->current() : keys.fixed);
  request.keys = now_known;
  access::AccessVerdict verdict = compiled_.decide(request);
  if (verdict.reason != access::Reason::kKeyUnknown) return verdict;
  for (const Keys& keys : keys_)
    if (keys.source) keys.source->ask_again();
  return verdict;
}

Status PreparedAccess::add(const std::shared_ptr<const model::AccessPolicy>& policy, JwksKeeper& jwks) {
  auto& slot = policies_[policy.get()];
  if (slot) return {};
  auto made = PreparedPolicy::make(policy, jwks);
  if (!made) {
    policies_.erase(policy.get());
    return std::unexpected(made.error());
  }
  slot = std::move(*made);
  return {};
}

}  // namespace headgate::proxy
