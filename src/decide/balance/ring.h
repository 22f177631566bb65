#pragma once
// Ring hash (ketama): each endpoint owns points on a ring of 64-bit hashes, by weight; a key
// belongs to the next point. When an endpoint goes, only its own keys move. Immutable after build;
// a lookup is a binary search.
#include <algorithm>
#include <cstdint>
#include <span>
#include <vector>

#include "decide/balance/maglev.h"

namespace headgate::decide::balance {

class HashRing {
 public:
  static constexpr std::uint64_t kPointsOfHeaviest = 256;
  static constexpr std::uint64_t kPointsMax = 1U << 20;  // fewer points each where members are many

  HashRing() = default;
  // `heaviest` and `count` are of all endpoints, healthy or not: so health alone never changes the
  // points of a member.
  HashRing(std::span<const HashMember> members, std::uint32_t heaviest, std::size_t count);

  bool empty() const { return points_.empty(); }
  std::size_t size() const { return points_.size(); }
  // `step` 0 is the home of the hash, the following steps go clockwise.
  std::uint32_t member_at(std::uint64_t hash, std::uint32_t step = 0) const {
    const auto home = std::lower_bound(points_.begin(), points_.end(), hash,
                                       [](const Point& p, std::uint64_t h) { return p.hash < h; });
    return points_[(static_cast<std::size_t>(home - points_.begin()) + step) % points_.size()]
        .member;
  }

 private:
  struct Point {
    std::uint64_t hash;
    std::uint32_t member;
  };
  std::vector<Point> points_;  // by hash
};

}  // namespace headgate::decide::balance
