#pragma once
// What happened to many clients that asked for one object at nearly the same time: the first of
// them alone, the others while its answer was awaited. Times are counted from the first request.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace headgate::bench {

struct Visit {
  std::int64_t first_byte_ns = 0;
  std::int64_t complete_ns = 0;
  bool right = false;  // status 200 and the origin's bytes, all of them
};

struct RushSummary {
  std::size_t right = 0;
  std::int64_t leader_first_byte_ns = 0;
  std::int64_t leader_complete_ns = 0;
  // Of the others, and how much later than the leader; negative: earlier.
  std::int64_t lag_p50_ns = 0;
  std::int64_t lag_p99_ns = 0;
  std::int64_t lag_max_ns = 0;
  std::int64_t last_complete_ns = 0;
};

// The smallest value that at least `share` of the sorted values do not exceed.
inline std::int64_t quantile(const std::vector<std::int64_t>& sorted, double share) {
  if (sorted.empty()) return 0;
  const auto rank =
      static_cast<std::size_t>(share * static_cast<double>(sorted.size()) + 0.999'999);
  return sorted[std::clamp<std::size_t>(rank, 1, sorted.size()) - 1];
}

// The leader is the first of `visits`, which are not empty.
inline RushSummary summarise(const std::vector<Visit>& visits) {
  RushSummary out;
  const Visit& leader = visits.front();
  std::vector<std::int64_t> lags;
  for (const Visit& visit : visits) {
    if (!visit.right) continue;
    ++out.right;
    out.last_complete_ns = std::max(out.last_complete_ns, visit.complete_ns);
    if (&visit != &leader) lags.push_back(visit.first_byte_ns - leader.first_byte_ns);
  }
  std::sort(lags.begin(), lags.end());
  out.leader_first_byte_ns = leader.first_byte_ns;
  out.leader_complete_ns = leader.complete_ns;
  out.lag_p50_ns = quantile(lags, 0.5);
  out.lag_p99_ns = quantile(lags, 0.99);
  out.lag_max_ns = quantile(lags, 1);
  return out;
}

}  // namespace headgate::bench
