#pragma once
// One shard of the store: table, queues of eviction, flights and markers of the keys that hash to
// it. Finds read its table under a pin; everything here takes the shard's lock for some hundreds of
// instructions, never while it wakes somebody. Every state that an object passes is one of these
// calls: arrive -> complete | fail | pass_through -> evicted, purged.
#include <mutex>
#include <span>

#include "base/counter.h"
#include "store/memory/flight.h"
#include "store/memory/table.h"
#include "store/memory/view.h"

namespace headgate::store::memory {

struct ShardCounters {  // written under the lock
  Counter stored, evicted, purged, collapsed, handed_over, passed_through, marked;
  Gauge objects;
};

class Shard {
 public:
  Shard(Budget& budget, Epoch& epoch, Generations& generations, std::uint64_t marker_bytes_max);
  ~Shard();  // no lead, fill, waiter or reader is left
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  const Table& table() const { return table_; }  // for finds, pinned

  // Collapsing (shard_flights.cc).
  struct Claimed {
    enum class As : std::uint8_t { kChanged, kLeader, kWaiter, kPass } as;
    View view;
    Ref<Flight> flight;
  };
  Claimed claim(const Key& key, std::uint64_t secondary, const VariantSet* seen, Instant now,
                Waker& waker);
  Ref<Flight> lead_alone(const Key& key, std::uint64_t secondary);
  // The head is there. The object is listed and found from now on, in place of `replaced`, unless a
  // purge came since the fetch began: then it is the leader's alone, and somebody else leads.
  void arrive(Flight& flight, const Ref<Object>& object, std::span<const std::string_view> labels,
              Object* replaced);
  void pass(Flight& flight, Instant until);
  void hand_over(Flight& flight);
  enum class Told : std::uint8_t { kWait, kLead, kFound, kPass };
  Told ask(Flight& flight, const Waker& waker);  // kLead: once, and then the asker is the leader
  void leave(Flight& flight, Waker& waker);

  // Objects.
  void complete(Object& object);
  void unlist(Object& object);  // failed, abandoned, passing through
  void purge(const Key& key, Purge how);

  // Room. False: nothing here can go.
  bool evict();
  // Takes out everything that is purged hard by now, a part at a time.
  void sweep();

  std::uint64_t resident_bytes() const { return resident_.load(std::memory_order_relaxed); }
  std::uint64_t pending_bytes() const { return retired_.pending_bytes(); }
  std::uint64_t ghosts();
  std::uint64_t keys();
  const ShardCounters& counters() const { return counters_; }

 private:
  // All under the lock.
  Entry& entry_for(const Key& key);
  void list(Entry& entry, Object& object, Object* replaced);
  void drop(Object& object, std::uint64_t freeing);
  void delist(Object& object);
  void enqueue(Object& object);
  void set_variants(Entry& entry, std::span<Object* const> objects, std::uint64_t freeing);
  void tidy(Entry& entry);
  void close(Flight& flight, Flight::Outcome outcome, WakeChain& woken);
  void succeed(Flight& flight, WakeChain& woken);
  void mark(Entry& entry, std::uint64_t secondary, Instant until);
  void unmark(Entry& entry);
  Ref<Flight> open(Entry& entry, std::uint64_t secondary, bool alone);
  bool sweep_some(std::size_t buckets);  // true: the end of the table
  void sweep_entry(Entry& entry);
  void settle();

  Budget& budget_;
  Epoch& epoch_;
  Generations& generations_;
  std::mutex mutex_;
  Epoch::Slot& slot_;  // of whoever holds the lock
  Retired retired_;
  Table table_;
  S3Fifo queues_;
  List<Entry, MarkerQueue> markers_;  // oldest first
  const std::uint64_t marker_bytes_max_;
  std::uint64_t marker_bytes_ = 0;  // of their entries
  std::size_t sweep_at_ = 0;        // bucket
  Stamp sweep_from_ = 0;            // when the round began
  Stamp swept_ = 0;                 // what was purged hard before is out
  std::atomic<std::uint64_t> resident_{0};
  ShardCounters counters_;
};

}  // namespace headgate::store::memory
