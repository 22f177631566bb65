#include "roles/proxy/rate_limiter.h"

#include "decide/limit/rate_key.h"
#include "roles/proxy/exchange.h"
#include "roles/proxy/hash_key.h"

namespace headgate::proxy {

std::shared_ptr<decide::limit::RateTable> RateLimiter::table_of(const model::RateLimit& limit) {
  const std::lock_guard lock(mutex_);
  Kept& kept = kept_[limit.name];
  if (auto table = kept.table.lock(); table && kept.fingerprint == limit.fingerprint) return table;
  const auto limits = decide::limit::limits_of(limit.requests, limit.period, limit.burst);
  auto table = std::make_shared<decide::limit::RateTable>(limits, limit.entries_max, decide::limit::OnOverflow::kAllow);
  kept = {limit.fingerprint, table};
  return table;
}

decide::limit::Verdict RateLimiter::take(decide::limit::RateTable& table, const model::RateLimit& limit,
                                         const Exchange& exchange, Instant now) const {
  decide::limit::RateKey key(seed_);
  for (const model::HashKey& part : limit.key) {
    const auto value = value_of(part, exchange);
    if (value) key.add(*value);
    else key.add_absent();
  }
  if (limit.by_route) key.add(std::uint64_t{hash64(exchange.rule()->route + "/" + exchange.rule()->name)});
  if (limit.by_tenant) key.add(exchange.rule()->route_namespace);
  return table.take(key.value(), now);
}

}  // namespace headgate::proxy
