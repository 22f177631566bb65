#pragma once
// One worker's choice of endpoint for an upstream: joins decide/balance with the slots of an OriginPool. What depends on the
// endpoint set and its health alone is computed when the set changes; a pick reads it. Worker thread.
#include <cstdint>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "decide/balance/eligible.h"
#include "decide/balance/pick.h"
#include "decide/balance/round_robin.h"
#include "roles/proxy/upstream_state.h"

namespace headgate::proxy {

class Exchange;
struct Slot;

class Balancer {
 public:
  // Endpoint set or health changed. `slots` stays in place until the next call.
  void rebuild(const model::Upstream& definition, const std::vector<std::unique_ptr<Slot>>& slots, Instant now, Prng& prng);
  // nullptr: no endpoint at all. `tried` ones are avoided while there are others.
  Slot* pick(const Exchange& exchange, const std::vector<Slot*>& tried, Instant now, Prng& prng);
  // For traffic that is no HTTP: by the client's address.
  Slot* pick(std::string_view client, const std::vector<Slot*>& tried, Instant now, Prng& prng);
  // The endpoint that the hash names, the same for everybody who knows the same ones (rendezvous hashing, Thaler and
  // Ravishankar 1998); the next in its order when that is not available or was tried.
  Slot* pick_home(std::uint64_t hash, const std::vector<Slot*>& tried);
  void started(const Slot& slot) { add(slot, 1); }
  void ended(const Slot& slot) { add(slot, -1); }

 private:
  Slot* pick_hashed(std::optional<std::uint64_t> hash, const std::vector<Slot*>& tried, Instant now, Prng& prng);
  void add(const Slot& slot, int n);

  const model::Upstream* definition_ = nullptr;
  std::vector<Slot*> slots_;
  std::vector<decide::balance::Target> targets_;
  decide::balance::Eligible eligible_;
  decide::balance::RoundRobin turns_;
  std::uint64_t active_total_ = 0;
  std::vector<std::uint32_t> excluded_;
};

}  // namespace headgate::proxy
