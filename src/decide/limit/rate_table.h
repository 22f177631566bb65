#pragma once
// Buckets of one rate limit for all workers of the process: exact, of fixed size, without a lock on
// the way of a known key.
//
// A key (RateKey) belongs to one group of 15 slots; a slot is a key word and a bucket word. A take
// reads the bucket, checks the key, and moves the bucket by compare-and-swap. The bucket word of a
// slot only ever grows, also when the slot passes to another key, so a swap that succeeds proves
// that the slot belonged to the key all the while. A new key takes the group's lock (held for some
// tens of loads), an empty slot, or one whose bucket is full again: to forget that one changes
// nothing. Where every slot of the group is in use, the take is an overflow: counted, and allowed
// or denied as the owner chose. There are two slots for each of `entries_max`, so overflows begin
// near entries_max busy keys. Keys are told apart by 64 bits of a secret hash.
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/time.h"
#include "decide/limit/rate.h"

namespace headgate::decide::limit {

enum class OnOverflow : std::uint8_t { kAllow, kDeny };

struct Verdict {
  bool allowed = false;
  bool overflowed = false;
  Duration wait = Duration::zero();  // denied: until the next take can succeed
};

class RateTable {
 public:
  RateTable(Limits limits, std::uint32_t entries_max, OnOverflow on_overflow);
  ~RateTable();
  RateTable(const RateTable&) = delete;
  RateTable& operator=(const RateTable&) = delete;

  // Any thread. `key` is not 0 (RateKey::value).
  Verdict take(std::uint64_t key, Instant now);

  std::uint64_t overflows() const { return overflows_.load(std::memory_order_relaxed); }
  std::uint64_t slots() const;

 private:
  struct Slot;
  struct Group;
  Verdict take_new(Group& group, std::uint64_t key, Instant now);
  bool try_take(Slot& slot, std::uint64_t key, Instant now, Verdict& verdict) const;
  bool recycle(Group& group, Slot& slot, std::uint64_t key, Instant now) const;
  Verdict overflow(Instant now);

  const Limits limits_;
  const OnOverflow on_overflow_;
  const std::uint64_t groups_count_;
  void* memory_ = nullptr;
  Group* groups_ = nullptr;  // in memory_; zero pages until they are touched
  std::atomic<std::uint64_t> overflows_{0};
};

}  // namespace headgate::decide::limit
