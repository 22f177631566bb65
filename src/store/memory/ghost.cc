#include "store/memory/ghost.h"

#include <algorithm>

#include "base/hash.h"

namespace headgate::store::memory {

std::uint32_t* Ghost::link_to(std::uint64_t id) {
  std::uint32_t* link = &buckets_[scramble64(id) & mask()];
  while (*link != kNone && ring_[*link].id != id) link = &ring_[*link].next;
  return *link == kNone ? nullptr : link;
}

bool Ghost::recall(std::uint64_t id) {
  std::uint32_t* const link = link_to(id);
  if (!link) return false;
  Slot& slot = ring_[*link];
  *link = slot.next;
  bytes_ -= slot.bytes;
  slot.bytes = 0;
  --count_;
  return true;
}

void Ghost::forget_oldest() {
  const Slot oldest = ring_[oldest_++ & mask()];
  if (oldest.bytes > 0) recall(oldest.id);
  if (newest_ - oldest_ < ring_.size() / 8 && ring_.size() > kSlotsMin) resize(ring_.size() / 2);
}

void Ghost::remember(std::uint64_t id, std::uint64_t bytes, std::uint64_t bytes_max) {
  recall(id);
  if (newest_ - oldest_ == ring_.size()) {
    if (count_ < ring_.size() / 2)
      resize(ring_.size());  // half of it was recalled: only the gaps go
    else
      resize(ring_.size() * 2);
  }
  const auto at = static_cast<std::uint32_t>(newest_++ & mask());
  std::uint32_t& bucket = buckets_[scramble64(id) & mask()];
  const auto size = static_cast<std::uint32_t>(std::clamp<std::uint64_t>(bytes, 1, UINT32_MAX));
  ring_[at] = {id, size, bucket};
  bucket = at;
  bytes_ += size;
  ++count_;
  while (bytes_ > bytes_max && oldest_ < newest_) forget_oldest();
}

void Ghost::resize(std::size_t slots) {
  ChargedVector<Slot> from(slots, Slot{}, ring_.get_allocator());
  from.swap(ring_);
  buckets_.assign(slots, kNone);
  buckets_.shrink_to_fit();
  const std::uint64_t begin = oldest_;
  const std::uint64_t end = newest_;
  oldest_ = newest_ = 0;
  for (std::uint64_t i = begin; i != end; ++i) {
    Slot slot = from[i & (from.size() - 1)];
    if (slot.bytes == 0) continue;
    std::uint32_t& bucket = buckets_[scramble64(slot.id) & mask()];
    slot.next = bucket;
    bucket = static_cast<std::uint32_t>(newest_ & mask());
    ring_[newest_++ & mask()] = slot;
  }
}

}  // namespace headgate::store::memory
