#include "store/memory/wake.h"

namespace headgate::store::memory {

WakeQueue::~WakeQueue() {
  Waker* waker = newest_.exchange(nullptr, std::memory_order_acquire);
  while (waker) Ref<Waker>::adopt(std::exchange(waker, waker->next_on_the_way_));
}

void WakeQueue::push(Waker& waker) {
  Waker* before = newest_.load(std::memory_order_relaxed);
  do waker.next_on_the_way_ = before;
  while (!newest_.compare_exchange_weak(before, &waker, std::memory_order_release,
                                        std::memory_order_relaxed));
  if (!before) ring_();
}

void WakeQueue::drain() {
  if (!newest_.load(std::memory_order_relaxed)) return;
  Waker* newest = newest_.exchange(nullptr, std::memory_order_acquire);
  Waker* oldest = nullptr;
  while (newest) {
    Waker* const next = std::exchange(newest->next_on_the_way_, oldest);
    oldest = std::exchange(newest, next);
  }
  while (oldest) {
    const Ref<Waker> waker = Ref<Waker>::adopt(std::exchange(oldest, oldest->next_on_the_way_));
    // From here on a change queues it anew; on_wake sees what changed before, also by a notifier
    // who found it on the way.
    waker->on_the_way_.exchange(false, std::memory_order_acq_rel);
    if (waker->target_) waker->target_->on_wake();
  }
}

void WakeChain::add(Ref<Waker> waker) {
  // Already on the way, and not yet looked at: it will see this change too.
  if (waker->on_the_way_.exchange(true, std::memory_order_acq_rel)) return;
  Waker* const added = waker.detach();
  added->next_on_the_way_ = nullptr;
  (last_ ? last_->next_on_the_way_ : first_) = added;
  last_ = added;
}

void WakeChain::send() {
  Waker* waker = std::exchange(first_, nullptr);
  last_ = nullptr;
  while (waker) {
    Waker* const next = waker->next_on_the_way_;
    waker->queue_.push(*waker);
    waker = next;
  }
}

WakeList::~WakeList() {
  while (!waiting_.empty()) take_first();
}

void WakeList::add(Waker& waker) {
  if (waker.linked()) return;
  waker.retain();
  waiting_.push_back(waker);
}

void WakeList::remove(Waker& waker) {
  if (!waker.linked()) return;
  waker.unlink();
  waker.release();
}

Ref<Waker> WakeList::take_first() {
  if (waiting_.empty()) return {};
  Waker& first = waiting_.front();
  first.unlink();
  return Ref<Waker>::adopt(&first);
}

void WakeList::take_all(WakeChain& chain) {
  while (Ref<Waker> waker = take_first()) chain.add(std::move(waker));
}

}  // namespace headgate::store::memory
