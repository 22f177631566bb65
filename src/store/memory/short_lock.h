#pragma once
// A lock of four bytes for sections of some tens of instructions that rarely meet. A thread that
// finds it taken sleeps in the kernel; it does not spin while the holder is off the processor.
#include <atomic>
#include <cstdint>

namespace headgate::store::memory {

class ShortLock {
 public:
  void lock() {
    std::uint32_t free = kFree;
    if (state_.compare_exchange_strong(free, kTaken, std::memory_order_acquire)) return;
    while (state_.exchange(kAwaited, std::memory_order_acquire) != kFree)
      state_.wait(kAwaited, std::memory_order_relaxed);
  }
  void unlock() {
    if (state_.exchange(kFree, std::memory_order_release) == kAwaited) state_.notify_one();
  }

 private:
  static constexpr std::uint32_t kFree = 0, kTaken = 1, kAwaited = 2;
  std::atomic<std::uint32_t> state_{kFree};
};

}  // namespace headgate::store::memory
