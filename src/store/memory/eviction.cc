#include "store/memory/eviction.h"

namespace headgate::store::memory {

void S3Fifo::push(Resident& object, bool to_main) {
  object.in_main_ = to_main;
  (to_main ? main_ : small_).push_back(object);
  (to_main ? main_bytes_ : small_bytes_) += object.bytes_;
}

void S3Fifo::pop(Resident& object) {
  object.unlink();
  (object.in_main_ ? main_bytes_ : small_bytes_) -= object.bytes_;
}

bool S3Fifo::insert(Resident& object, std::uint64_t ghost_id, std::uint64_t bytes) {
  object.ghost_id_ = ghost_id;
  object.bytes_ = bytes;
  const bool seen_before = ghost_.recall(ghost_id);
  push(object, seen_before);
  return seen_before;
}

void S3Fifo::replace(Resident& old, Resident& fresh, std::uint64_t bytes) {
  fresh.ghost_id_ = old.ghost_id_;
  fresh.bytes_ = bytes;
  fresh.hits_.store(old.hits_.load(std::memory_order_relaxed), std::memory_order_relaxed);
  pop(old);
  push(fresh, old.in_main_);
}

void S3Fifo::erase(Resident& object) {
  if (object.queued()) pop(object);
}

// The small queue's oldest leaves; null when it moved to main instead.
Resident* S3Fifo::evict_small() {
  Resident& oldest = small_.front();
  pop(oldest);
  if (oldest.hits_.load(std::memory_order_relaxed) > 1) {
    oldest.hits_.store(0, std::memory_order_relaxed);
    push(oldest, true);
    return nullptr;
  }
  // As many ghosts as would fit into main.
  ghost_.remember(oldest.ghost_id_, oldest.bytes_, (bytes() + oldest.bytes_) / 10 * 9);
  return &oldest;
}

// Main's oldest leaves; null when it has another round.
Resident* S3Fifo::evict_main() {
  Resident& oldest = main_.front();
  pop(oldest);
  const std::uint8_t hits = oldest.hits_.load(std::memory_order_relaxed);
  if (hits == 0) return &oldest;
  oldest.hits_.store(hits - 1, std::memory_order_relaxed);
  push(oldest, true);
  return nullptr;
}

Resident* S3Fifo::evict() {
  while (!small_.empty() || !main_.empty()) {
    const bool from_small = main_.empty() || (!small_.empty() && small_is_over());
    if (Resident* evicted = from_small ? evict_small() : evict_main()) return evicted;
  }
  return nullptr;
}

}  // namespace headgate::store::memory
