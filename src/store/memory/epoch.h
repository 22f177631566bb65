#pragma once
// When may memory that left the table be freed? A find walks the table without a lock, pinned: it
// announces the epoch that it began in, in a word of its own. What leaves the table is retired with
// the epoch of that moment, and freed once every pin that is held began later (Fraser, "Practical
// lock-freedom", 2004). A pin lasts for one look-up, never for a response: what outlives the
// look-up is held by reference count.
//
// Why it is safe: the find stores its pin and then loads from the table; the writer unlinks and
// then loads the pins; all four are sequentially consistent, so either the find misses what was
// unlinked, or the writer sees the pin.
#include <atomic>
#include <cstdint>

#include "store/memory/budget.h"
#include "store/memory/limits.h"

namespace headgate::store::memory {

class Epoch {
 public:
  struct alignas(64) Slot {
    std::atomic<std::uint64_t> pinned{0};  // 0: not within a find
    std::atomic<bool> taken{false};
  };

  class Pin {
   public:
    Pin(const Epoch& epoch, Slot& slot) : slot_(slot) {
      slot_.pinned.store(epoch.now_.load(std::memory_order_acquire), std::memory_order_seq_cst);
    }
    ~Pin() { slot_.pinned.store(0, std::memory_order_release); }
    Pin(const Pin&) = delete;
    Pin& operator=(const Pin&) = delete;

   private:
    Slot& slot_;
  };

  Slot& join();  // a slot belongs to one thread, or to whoever holds one lock
  void leave(Slot& slot);

  // The caller has unlinked something; what is retired with the answer may be freed when it is
  // below oldest_pin().
  std::uint64_t retire() { return now_.fetch_add(1, std::memory_order_seq_cst); }
  std::uint64_t oldest_pin() const;

 private:
  std::atomic<std::uint64_t> now_{1};
  std::atomic<std::uint32_t> slots_used_{0};
  Slot slots_[kReadersMax + kShardsMax + 1];
};

// What was unlinked under one lock and waits to be freed.
class Retired {
 public:
  using Destroy = void (*)(void* what, Budget& budget);
  Retired(Epoch& epoch, Budget& budget) : epoch_(epoch), budget_(budget), items_(budget) {}
  ~Retired();  // no reader is left
  // `freeing`: bytes that are expected to come back with it.
  void add(void* what, Destroy destroy, std::uint64_t freeing);
  void reclaim();
  // Charged still, though nobody finds it; read without the lock by who makes room.
  std::uint64_t pending_bytes() const { return pending_.load(std::memory_order_relaxed); }

 private:
  struct Item {
    void* what;
    Destroy destroy;
    std::uint64_t at;
    std::uint64_t freeing;
  };
  void reclaim_below(std::uint64_t oldest);
  Epoch& epoch_;
  Budget& budget_;
  ChargedVector<Item> items_;  // oldest first
  std::atomic<std::uint64_t> pending_{0};
};

}  // namespace headgate::store::memory
