#include "decide/balance/ring.h"

#include "base/hash.h"

namespace headgate::decide::balance {

HashRing::HashRing(std::span<const HashMember> members, std::uint32_t heaviest, std::size_t count) {
  const std::uint64_t fair = kPointsMax / std::max<std::size_t>(count, 1);
  const std::uint64_t points_of_heaviest = std::clamp<std::uint64_t>(fair, 1, kPointsOfHeaviest);
  for (std::uint32_t i = 0; i < members.size(); ++i) {
    const std::uint64_t share =
        points_of_heaviest * members[i].weight / std::max<std::uint32_t>(heaviest, 1);
    std::uint64_t state = members[i].identity;
    for (std::uint64_t n = 0; n < std::clamp<std::uint64_t>(share, 1, points_of_heaviest); ++n)
      points_.push_back({scramble64(state += 0x9e3779b97f4a7c15ULL), i});
  }
  std::sort(points_.begin(), points_.end(), [&](const Point& a, const Point& b) {
    return a.hash != b.hash ? a.hash < b.hash
                            : members[a.member].identity < members[b.member].identity;
  });
}

}  // namespace headgate::decide::balance
