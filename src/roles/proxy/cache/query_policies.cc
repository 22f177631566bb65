#include "roles/proxy/cache/query_policies.h"

#include <algorithm>

namespace headgate::proxy {
namespace {

using model::CacheKeyPolicy;

class Collector {
 public:
  explicit Collector(std::vector<const CacheKeyPolicy*>& out) : out_(out) {}

  void add(const model::RouteTable& table) {
    for (const auto& [host, paths] : table.exact_hosts) add(paths);
    for (const auto& [host, paths] : table.wildcard_hosts) add(paths);
    add(table.any_host);
  }

 private:
  void add(const model::PathTable& paths) {
    for (const auto& [path, candidates] : paths.exact) add(candidates);
    for (const auto& [path, candidates] : paths.prefix) add(candidates);
    add(paths.regex);
  }
  void add(const std::vector<model::Candidate>& candidates) {
    for (const model::Candidate& candidate : candidates)
      if (candidate.rule->cache) add(candidate.rule->cache->key);
  }
  void add(const CacheKeyPolicy& policy) {
    if (&policy == last_) return;  // most rules share one
    last_ = &policy;
    const bool is_known = std::any_of(out_.begin(), out_.end(), [&](const CacheKeyPolicy* one) {
      return one->query == policy.query && one->query_sorted == policy.query_sorted &&
             one->query_names == policy.query_names;
    });
    if (!is_known) out_.push_back(&policy);
  }

  std::vector<const CacheKeyPolicy*>& out_;
  const CacheKeyPolicy* last_ = nullptr;
};

}  // namespace

std::vector<const CacheKeyPolicy*> query_policies(const model::Snapshot& snapshot) {
  std::vector<const CacheKeyPolicy*> out;
  Collector collector(out);
  for (const model::Port& port : snapshot.ports)
    for (const model::Listener& listener : port.listeners) collector.add(listener.routes);
  return out;
}

}  // namespace headgate::proxy
