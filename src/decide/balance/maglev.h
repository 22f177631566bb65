#pragma once
// Maglev consistent hashing (Eisenbud et al., NSDI 2016): a table of 65537 slots, each endpoint
// with a share of slots by weight, filled by turns from a permutation of its own. A lookup is one
// load; when an endpoint goes, few others move. Immutable after build (one to three milliseconds,
// 128 KiB). At most kMembersMax members; those beyond get no slot.
#include <cstdint>
#include <span>
#include <vector>

namespace headgate::decide::balance {

struct HashMember {
  std::uint64_t identity = 0;
  std::uint32_t weight = 1;  // > 0
};

class MaglevTable {
 public:
  static constexpr std::uint32_t kSlots = 65537;  // prime
  static constexpr std::size_t kMembersMax = 65535;

  MaglevTable() = default;
  // The same members give the same placement in every order.
  explicit MaglevTable(std::span<const HashMember> members);

  bool empty() const { return slots_.empty(); }
  // `step` 0 is the home of the hash; the following steps walk the table, for when the home is full
  // or excluded.
  std::uint32_t member_at(std::uint64_t hash, std::uint32_t step = 0) const {
    const auto home =
        static_cast<std::uint64_t>((static_cast<unsigned __int128>(hash) * kSlots) >> 64);
    const std::uint64_t at = home + step;
    return slots_[at < kSlots ? at : at % kSlots];
  }

 private:
  std::vector<std::uint16_t> slots_;  // index of a member
};

}  // namespace headgate::decide::balance
