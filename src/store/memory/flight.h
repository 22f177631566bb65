#pragma once
// A fill whose head is not there yet: one leader fetches, others wait. Under the lock of the shard;
// counted by its leader, its waiters and, while it is open, its entry. Bounded: kWaitersMax wait,
// kHandoversMax leaders follow each other.
#include "base/list.h"
#include "store/memory/entry.h"
#include "store/memory/wake.h"

namespace headgate::store::memory {

struct Flight final : Counted<Flight>, ListNode<Flight> {
  enum class Outcome : std::uint8_t { kOpen, kFound, kPass };

  static Ref<Flight> create(Budget& budget) {
    return Ref<Flight>::adopt(::new (budget.allocate(sizeof(Flight))) Flight(budget));
  }
  void destroy() {
    Budget& from = budget;
    this->~Flight();
    from.release(this, sizeof(Flight));
  }

  explicit Flight(Budget& b) : budget(b) {}
  Budget& budget;
  Entry* entry = nullptr;  // while it is open
  std::uint64_t secondary = 0;
  Stamp born = 0;  // of the fetch that is under way; registered with Generations while it is open
  Outcome outcome = Outcome::kOpen;
  bool alone = false;  // nobody may join
  Standing purged;     // its key was purged after `born`
  std::uint32_t waiters = 0;
  std::uint32_t handovers = 0;
  WakeList waiting;
  Ref<Waker> successor;  // a waiter that is to lead and has not looked yet
  Ref<Object> found;
};

}  // namespace headgate::store::memory
