#pragma once
// Why the last response for a key was not kept, for those who ask soon (explain.h). A small table
// that forgets: a newer key takes the slot of an older one. One word a slot, so that what is read
// belongs together; two keys that share a slot and 24 bits of their hash, one pair in 64 thousand
// million, are taken for each other. Any thread; never waits.
#include <array>
#include <atomic>
#include <cstdint>
#include <optional>

#include "base/siphash.h"
#include "base/time.h"
#include "decide/cache/reason.h"

namespace headgate::proxy {

class RecentRefusals {
 public:
  struct Refusal {
    decide::cache::Reason reason;
    std::int64_t time_s;  // since 1970
  };

  void note(const Hash128& key, decide::cache::Reason reason, WallTime now) {
    const auto seconds = static_cast<std::uint64_t>(now.seconds()) & 0xffff'ffff;
    const auto code = static_cast<std::uint64_t>(reason) + 1;  // 0 is an empty slot
    slot(key).store(print(key) << 40 | code << 32 | seconds, std::memory_order_relaxed);
  }
  std::optional<Refusal> find(const Hash128& key) const {
    const std::uint64_t word = slot(key).load(std::memory_order_relaxed);
    const std::uint64_t code = word >> 32 & 0xff;
    if (code == 0 || word >> 40 != print(key)) return std::nullopt;
    return Refusal{static_cast<decide::cache::Reason>(code - 1),
                   static_cast<std::int64_t>(word & 0xffff'ffff)};
  }

 private:
  static constexpr std::size_t kSlots = 4096;
  static_assert(static_cast<int>(decide::cache::Reason::kCount) < 255);
  static std::uint64_t print(const Hash128& key) { return key.high >> 40; }
  std::atomic<std::uint64_t>& slot(const Hash128& key) { return slots_[key.low % kSlots]; }
  const std::atomic<std::uint64_t>& slot(const Hash128& key) const {
    return slots_[key.low % kSlots];
  }
  std::array<std::atomic<std::uint64_t>, kSlots> slots_{};
};

}  // namespace headgate::proxy
