#include "decide/limit/rate_table.h"

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/check.h"

namespace headgate::decide::limit {
namespace {
constexpr std::size_t kSlotsOfGroup = 15;
constexpr std::int64_t kChangingHands =
    INT64_MAX;  // of a bucket word: the slot is between two keys

std::uint64_t groups_for(std::uint32_t entries_max) {
  return std::max<std::uint64_t>(
      (std::uint64_t{entries_max} * 2 + kSlotsOfGroup - 1) / kSlotsOfGroup, 1);
}
}  // namespace

// All-zero bytes are the initial state, as calloc makes them.
struct RateTable::Slot {
  std::atomic<std::uint64_t> key;  // 0: never used
  std::atomic<std::int64_t> full_at_ns;
};

struct alignas(64) RateTable::Group {
  std::array<Slot, kSlotsOfGroup> slots;
  std::int64_t forgotten_full_at_ns;  // latest of the buckets that were forgotten; under the lock
  std::atomic<std::uint32_t> locked;

  void lock() {
    while (locked.exchange(1, std::memory_order_acquire) != 0)
      locked.wait(1, std::memory_order_relaxed);
  }
  void unlock() {
    locked.store(0, std::memory_order_release);
    locked.notify_one();
  }
};

RateTable::RateTable(Limits limits, std::uint32_t entries_max, OnOverflow on_overflow)
    : limits_(limits), on_overflow_(on_overflow), groups_count_(groups_for(entries_max)) {
  static_assert(sizeof(Group) == 256);
  const std::size_t bytes = groups_count_ * sizeof(Group);
  // calloc leaves large blocks unmapped until they are used; one more group makes room for the
  // alignment.
  memory_ = std::calloc(1, bytes + alignof(Group));
  HG_CHECK(memory_ != nullptr, "no memory for a rate table");
  void* at = memory_;
  std::size_t space = bytes + alignof(Group);
  groups_ = static_cast<Group*>(std::align(alignof(Group), bytes, at, space));
}

RateTable::~RateTable() { std::free(memory_); }

std::uint64_t RateTable::slots() const { return groups_count_ * kSlotsOfGroup; }

// False: the slot is not the key's (any more). The bucket is read before the key: see the header.
bool RateTable::try_take(Slot& slot, std::uint64_t key, Instant now, Verdict& verdict) const {
  std::int64_t full_at = slot.full_at_ns.load(std::memory_order_acquire);
  while (slot.key.load(std::memory_order_acquire) == key) {
    if (full_at == kChangingHands) {
      full_at = slot.full_at_ns.load(std::memory_order_acquire);
      continue;
    }
    const Taken taken = limit::take({full_at}, limits_, now);
    if (taken.allowed) {
      if (!slot.full_at_ns.compare_exchange_weak(
              full_at, taken.next.full_at_ns, std::memory_order_acq_rel, std::memory_order_acquire))
        continue;
      verdict = {true, false, Duration::zero()};
      return true;
    }
    const std::int64_t again = slot.full_at_ns.load(std::memory_order_acquire);
    if (again == full_at) {
      verdict = {false, false, wait_for({full_at}, limits_, now)};
      return true;
    }
    full_at = again;
  }
  return false;
}

// Under the group's lock: gives the slot to `key` if its bucket is full again.
bool RateTable::recycle(Group& group, Slot& slot, std::uint64_t key, Instant now) const {
  std::int64_t full_at = slot.full_at_ns.load(std::memory_order_acquire);
  if (full_at > now.ns) return false;
  if (!slot.full_at_ns.compare_exchange_strong(full_at, kChangingHands, std::memory_order_acq_rel))
    return false;
  group.forgotten_full_at_ns = std::max(group.forgotten_full_at_ns, full_at);
  slot.key.store(key, std::memory_order_release);
  const Taken first = limit::take({group.forgotten_full_at_ns}, limits_, now);
  slot.full_at_ns.store(first.next.full_at_ns, std::memory_order_release);
  return true;
}

Verdict RateTable::overflow(Instant now) {
  overflows_.fetch_add(1, std::memory_order_relaxed);
  const bool allowed = on_overflow_ == OnOverflow::kAllow;
  return {allowed, true,
          allowed ? Duration::zero()
                  : wait_for({now.ns + limits_.period_ns}, {limits_.period_ns, 0}, now)};
}

Verdict RateTable::take_new(Group& group, std::uint64_t key, Instant now) {
  Verdict verdict;
  for (Slot& slot : group.slots)
    if (slot.key.load(std::memory_order_acquire) == key && try_take(slot, key, now, verdict))
      return verdict;
  // A key that was forgotten comes back no richer, even to a worker whose clock was sampled before
  // it was forgotten.
  const Bucket fresh{group.forgotten_full_at_ns};
  if (!limit::take(fresh, limits_, now).allowed)
    return {false, false, wait_for(fresh, limits_, now)};
  for (Slot& slot : group.slots)
    if (recycle(group, slot, key, now)) return {true, false, Duration::zero()};
  return overflow(now);
}

Verdict RateTable::take(std::uint64_t key, Instant now) {
  const auto at =
      static_cast<std::uint64_t>((static_cast<unsigned __int128>(key) * groups_count_) >> 64);
  Group& group = groups_[at];
  Verdict verdict;
  for (Slot& slot : group.slots)
    if (slot.key.load(std::memory_order_acquire) == key && try_take(slot, key, now, verdict))
      return verdict;
  group.lock();
  verdict = take_new(group, key, now);
  group.unlock();
  return verdict;
}

}  // namespace headgate::decide::limit
