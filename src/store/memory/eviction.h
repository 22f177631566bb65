#pragma once
// S3-FIFO (Yang, Zhang, Qiu, Yue, Vigfusson: "FIFO queues are all you need for cache eviction",
// SOSP 2023), by bytes: a small queue of a tenth, a main queue, and a ghost of what left the small
// one. New objects enter the small queue; asked for twice there, they move to main, else they leave
// and are remembered. Who comes back while remembered enters main. Main gives every object as many
// more rounds as it was asked for, three at most. A hit writes one byte, and none once it is three.
//
// Under the lock of its shard, except touch(). Knows sizes and order; who is evicted is the
// caller's to remove.
#include <atomic>
#include <cstdint>

#include "base/list.h"
#include "store/memory/ghost.h"

namespace headgate::store::memory {

// What an object carries to stand in a queue.
class Resident : public ListNode<Resident> {
 public:
  static constexpr std::uint8_t kHitsMax = 3;
  // Any thread. Two at once may count as one.
  void touch() {
    const std::uint8_t hits = hits_.load(std::memory_order_relaxed);
    if (hits < kHitsMax) hits_.store(hits + 1, std::memory_order_relaxed);
  }
  bool queued() const { return linked(); }

 private:
  friend class S3Fifo;
  std::uint64_t ghost_id_ = 0;
  std::uint64_t bytes_ = 0;
  std::atomic<std::uint8_t> hits_{0};
  bool in_main_ = false;
};

class S3Fifo {
 public:
  explicit S3Fifo(Budget& budget) : ghost_(budget) {}

  // True: it was evicted not long ago, which is the second hit that admission to the disk asks for.
  bool insert(Resident& object, std::uint64_t ghost_id, std::uint64_t bytes);
  // `fresh` takes the place of `old` at the end of the same queue, with its hits.
  void replace(Resident& old, Resident& fresh, std::uint64_t bytes);
  void erase(Resident& object);
  // Takes out whoever is to go; null when the queues are empty.
  Resident* evict();

  std::uint64_t bytes() const { return small_bytes_ + main_bytes_; }
  std::uint64_t ghosts() const { return ghost_.count(); }

 private:
  using Queue = List<Resident, Resident>;
  void push(Resident& object, bool to_main);
  void pop(Resident& object);
  bool small_is_over() const { return small_bytes_ * 10 >= bytes(); }
  Resident* evict_small();
  Resident* evict_main();

  Queue small_;  // front: oldest
  Queue main_;
  std::uint64_t small_bytes_ = 0;
  std::uint64_t main_bytes_ = 0;
  Ghost ghost_;
};

}  // namespace headgate::store::memory
