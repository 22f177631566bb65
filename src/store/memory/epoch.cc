#include "store/memory/epoch.h"

#include <algorithm>

namespace headgate::store::memory {

Epoch::Slot& Epoch::join() {
  for (Slot& slot : slots_) {
    if (slot.taken.exchange(true, std::memory_order_acq_rel)) continue;
    const auto used = static_cast<std::uint32_t>(&slot - slots_) + 1;
    std::uint32_t before = slots_used_.load(std::memory_order_relaxed);
    while (before < used &&
           !slots_used_.compare_exchange_weak(before, used, std::memory_order_seq_cst)) {
    }
    return slot;
  }
  HG_CHECK(false, "more threads read the store than kReadersMax");
}

void Epoch::leave(Slot& slot) { slot.taken.store(false, std::memory_order_release); }

std::uint64_t Epoch::oldest_pin() const {
  std::uint64_t oldest = UINT64_MAX;
  const std::uint32_t used = slots_used_.load(std::memory_order_seq_cst);
  for (std::uint32_t i = 0; i < used; ++i)
    if (const std::uint64_t pinned = slots_[i].pinned.load(std::memory_order_seq_cst))
      oldest = std::min(oldest, pinned);
  return oldest;
}

Retired::~Retired() { reclaim_below(UINT64_MAX); }

void Retired::add(void* what, Destroy destroy, std::uint64_t freeing) {
  items_.push_back({what, destroy, epoch_.retire(), freeing});
  pending_.fetch_add(freeing, std::memory_order_relaxed);
}

void Retired::reclaim() {
  if (!items_.empty()) reclaim_below(epoch_.oldest_pin());
}

void Retired::reclaim_below(std::uint64_t oldest) {
  auto item = items_.begin();
  for (; item != items_.end() && item->at < oldest; ++item) {
    item->destroy(item->what, budget_);
    pending_.fetch_sub(item->freeing, std::memory_order_relaxed);
  }
  items_.erase(items_.begin(), item);
}

}  // namespace headgate::store::memory
