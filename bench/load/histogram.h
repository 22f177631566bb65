#pragma once
// Latency histogram as a value: log-linear, 128 steps for each doubling, so a percentile is within
// 0.8 % of the truth. Covers 1 ns to 2^40 ns (18 minutes); what is longer counts as the longest.
// Nothing allocates after construction.
#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace headgate::bench {

class Histogram {
 public:
  void add(std::int64_t ns) {
    const auto value = static_cast<std::uint64_t>(std::clamp<std::int64_t>(ns, 0, kLongestNs));
    ++counts_[index(value)];
    ++total_;
    max_ns_ = std::max(max_ns_, ns);
  }

  std::uint64_t total() const { return total_; }
  std::int64_t max_ns() const { return max_ns_; }

  // The smallest recorded value that at least `share` (0..1) of all values do not exceed; 0 when
  // empty.
  std::int64_t percentile_ns(double share) const {
    const auto wanted = static_cast<std::uint64_t>(share * static_cast<double>(total_));
    std::uint64_t seen = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      seen += counts_[i];
      if (seen > wanted || (seen == total_ && seen > 0)) return std::min(upper_ns(i), max_ns_);
    }
    return 0;
  }

 private:
  static constexpr unsigned kStepBits = 7;
  static constexpr std::uint64_t kSteps = 1U << kStepBits;
  static constexpr std::int64_t kLongestNs = (std::int64_t{1} << 40) - 1;
  static constexpr std::size_t kSize = (40 - kStepBits + 1) * kSteps;

  // Below kSteps a value is its own index; above, the leading kStepBits + 1 bits choose the step.
  static std::size_t index(std::uint64_t value) {
    if (value < kSteps) return value;
    const auto shift = static_cast<unsigned>(std::bit_width(value)) - kStepBits - 1;
    return (shift + 1) * kSteps + ((value >> shift) - kSteps);
  }
  static std::int64_t upper_ns(std::size_t i) {
    if (i < kSteps) return static_cast<std::int64_t>(i);
    const std::size_t shift = i / kSteps - 1;
    return static_cast<std::int64_t>(((i % kSteps + kSteps + 1) << shift) - 1);
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(kSize);
  std::uint64_t total_ = 0;
  std::int64_t max_ns_ = 0;
};

}  // namespace headgate::bench
