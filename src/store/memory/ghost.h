#pragma once
// Whom the cache has evicted lately: keys without bodies, oldest first, exact. What comes back
// while it is remembered has been asked for twice in a span in which the main queue turned over
// once. Ids are 64 bits of a hash; two keys that share one cost a wrong guess about popularity,
// nothing else. 20 bytes a ghost and the slack of a table that doubles. Under the shard's lock.
#include <cstdint>

#include "store/memory/budget.h"

namespace headgate::store::memory {

class Ghost {
 public:
  explicit Ghost(Budget& budget)
      : ring_(kSlotsMin, Slot{}, budget), buckets_(kSlotsMin, kNone, budget) {}

  // Remembers an id that is not in yet, and forgets the oldest while the sizes add up to more than
  // `bytes_max`.
  void remember(std::uint64_t id, std::uint64_t bytes, std::uint64_t bytes_max);
  // True: it was remembered, and is no more.
  bool recall(std::uint64_t id);
  std::uint64_t count() const { return count_; }

 private:
  static constexpr std::uint32_t kSlotsMin = 16;
  static constexpr std::uint32_t kNone = UINT32_MAX;
  struct Slot {
    std::uint64_t id = 0;
    std::uint32_t bytes = 0;
    std::uint32_t next = kNone;  // slot of the same bucket
  };
  std::uint32_t mask() const { return static_cast<std::uint32_t>(ring_.size()) - 1; }
  std::uint32_t* link_to(std::uint64_t id);  // what points at its slot; null: unknown
  void forget_oldest();
  void resize(std::size_t slots);

  // Slots from oldest_ up to newest_, by their low bits. One whose id was recalled stays, with
  // bytes 0, until its turn.
  ChargedVector<Slot> ring_;
  ChargedVector<std::uint32_t> buckets_;
  std::uint64_t oldest_ = 0;
  std::uint64_t newest_ = 0;  // one past
  std::uint64_t bytes_ = 0;
  std::uint64_t count_ = 0;
};

}  // namespace headgate::store::memory
