#include "roles/proxy/balancer.h"

#include <algorithm>
#include <tuple>

#include "roles/proxy/exchange.h"
#include "roles/proxy/hash_key.h"
#include "roles/proxy/origin_pool.h"

namespace headgate::proxy {

namespace balance = decide::balance;

void Balancer::rebuild(const model::Upstream& definition, const std::vector<std::unique_ptr<Slot>>& slots, Instant now,
                       Prng& prng) {
  definition_ = &definition;
  slots_.clear();
  targets_.clear();
  active_total_ = 0;
  for (const auto& slot : slots) {
    const Endpoint& endpoint = *slot->endpoint;
    balance::Target target;
    target.weight = endpoint.weight;
    target.available = endpoint.healthy.load() && endpoint.ejected_until_ns.load() <= now.ns;
    target.active = slot->active;
    target.since = {std::max(endpoint.since.ns, endpoint.recovered_ns.load())};
    target.priority = endpoint.priority;
    target.same_locality = endpoint.same_locality;
    target.identity = balance::identity_of(endpoint.name);
    slot->index = static_cast<std::uint32_t>(slots_.size());
    active_total_ += slot->active;
    slots_.push_back(slot.get());
    targets_.push_back(target);
  }
  eligible_ = balance::build_eligible(targets_, definition.balancing);
  turns_ = balance::RoundRobin(eligible_, targets_, prng);
}

Slot* Balancer::pick(const Exchange& exchange, const std::vector<Slot*>& tried, Instant now, Prng& prng) {
  std::optional<std::uint64_t> hash;
  if (const auto sticky = exchange.affinity_hash()) {
    for (Slot* slot : slots_)
      if (balance::identity_of(slot->endpoint->name) == *sticky && targets_[slot->index].available && tried.empty()) return slot;
  }
  if (!definition_->balancing.hash_keys.empty()) {
    std::vector<std::optional<std::string_view>> values;
    for (const model::HashKey& key : definition_->balancing.hash_keys) values.push_back(value_of(key, exchange));
    hash = balance::request_hash(values);
  }
  return pick_hashed(hash, tried, now, prng);
}

Slot* Balancer::pick(std::string_view client, const std::vector<Slot*>& tried, Instant now, Prng& prng) {
  const std::optional<std::string_view> value = client;
  return pick_hashed(balance::request_hash({&value, 1}), tried, now, prng);
}

Slot* Balancer::pick_home(std::uint64_t hash, const std::vector<Slot*>& tried) {
  Slot* best = nullptr;
  std::tuple<bool, bool, std::uint64_t> best_rank;
  for (Slot* slot : slots_) {
    const bool is_new = std::find(tried.begin(), tried.end(), slot) == tried.end();
    const std::tuple rank{is_new, targets_[slot->index].available, scramble64(hash ^ targets_[slot->index].identity)};
    if (best && rank <= best_rank) continue;
    best = slot;
    best_rank = rank;
  }
  return best;
}

Slot* Balancer::pick_hashed(std::optional<std::uint64_t> hash, const std::vector<Slot*>& tried, Instant now, Prng& prng) {
  balance::PickRequest request;
  request.now = now;
  request.hash = hash;
  request.active_total = active_total_;
  excluded_.clear();
  for (const Slot* slot : tried)
    if (!slot->removed) excluded_.push_back(slot->index);
  request.excluded = excluded_;
  auto chosen = balance::pick(eligible_, targets_, turns_, request, prng);
  if (!chosen && !excluded_.empty()) {  // everything was tried: again from the start
    request.excluded = {};
    chosen = balance::pick(eligible_, targets_, turns_, request, prng);
  }
  return chosen ? slots_[*chosen] : nullptr;
}

void Balancer::add(const Slot& slot, int n) {
  active_total_ += static_cast<std::uint64_t>(n);
  if (!slot.removed && slot.index < slots_.size() && slots_[slot.index] == &slot) {
    targets_[slot.index].active += static_cast<std::uint32_t>(n);
  }
}

}  // namespace headgate::proxy
