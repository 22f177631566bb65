#pragma once
// The two sides of collapsed forwarding. A Lead is the right and the duty to fetch: it ends by
// fill(), freshen() or pass(); a Lead that is destroyed before that hands over to a waiter. A
// Waiter waits for the head of somebody else's fetch. Each lives on one worker and dies before the
// store.
#include <memory>
#include <variant>

#include "base/result.h"
#include "store/memory/fill.h"
#include "store/memory/shard.h"

namespace headgate::store::memory {

class Store;

class Lead {
 public:
  Lead(Store& store, Shard& shard, Ref<Flight> flight)
      : store_(&store), shard_(&shard), flight_(std::move(flight)) {}
  Lead(Lead&& other) noexcept = default;
  Lead& operator=(Lead&& other) noexcept;
  ~Lead() { abandon(); }

  // These end the lead, unless they fail.
  // The response may be kept. It is found from now on, while it fills, unless a purge came since
  // the lead began; the leader itself fills and reads it in either case. Fails for a head, selector
  // or labels beyond the limits: then pass().
  Result<Fill> fill(const Draft& draft);
  // The origin confirmed `stored` (304): new metadata, head and labels with the same body, in one
  // step.
  Result<Ref<Object>> freshen(const Ref<Object>& stored, const Draft& draft);
  // The response is for this client alone: every waiter fetches for itself, and until `until`
  // nobody waits for this key and secondary. Instant{}: not remembered.
  void pass(Instant until);

 private:
  void abandon();
  Store* store_;
  Shard* shard_;
  Ref<Flight> flight_;  // empty: ended
};

class Waiter {
 public:
  struct Wait {};  // woken when there is more to say
  struct Pass {};  // uncacheable, or too many leaders died: fetch without collapsing
  // An object is what arrived for somebody else: compare its selector with the request; if it is
  // another variant, claim again with its secondary. It may still be filling, or have failed by
  // now.
  using Answer = std::variant<Wait, Ref<Object>, Lead, Pass>;

  Waiter(Store& store, Shard& shard, Ref<Flight> flight, std::unique_ptr<Wakeup> wakeup)
      : store_(&store), shard_(&shard), flight_(std::move(flight)), wakeup_(std::move(wakeup)) {}
  Waiter(Waiter&&) noexcept = default;
  Waiter& operator=(Waiter&& other) noexcept;
  ~Waiter() { leave(); }
  Answer poll();

 private:
  void leave();
  Store* store_;
  Shard* shard_;
  Ref<Flight> flight_;
  std::unique_ptr<Wakeup> wakeup_;
};

}  // namespace headgate::store::memory
