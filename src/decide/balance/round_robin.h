#pragma once
// The turns of weighted round robin, spread evenly: of each weight_sum picks every member has
// exactly its weight. A member's n-th turn is due at (n + phase) / weight, the phases evenly apart,
// so that light members do not come in a bunch; the earliest goes next. O(1) for equal weights,
// else O(log n). Mutable state of one worker; made anew with each Eligible, at a random turn, so
// that workers that start together do not all begin with the same endpoint.
#include <cstdint>
#include <vector>

#include "base/prng.h"
#include "decide/balance/eligible.h"

namespace headgate::decide::balance {

class RoundRobin {
 public:
  RoundRobin() = default;
  RoundRobin(const Eligible& eligible, std::span<const Target> targets, Prng& prng);

  // Position among the members of `eligible.groups[group]`.
  std::uint32_t next(std::size_t group);

 private:
  struct Due {
    std::uint64_t turns = 0;  // due at turns / (2 * members * weight)
    std::uint32_t weight = 1;
    std::uint32_t member = 0;
  };
  struct Turns {
    std::uint32_t count = 0, at = 0;  // equal weights
    std::vector<Due> heap;            // others
  };
  static bool later(const Due& a, const Due& b);
  static std::uint32_t next(Turns& turns);
  std::vector<Turns> groups_;
};

}  // namespace headgate::decide::balance
