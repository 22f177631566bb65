#pragma once
// Rate limit as a value (GCRA): no clock, no lock, no timer, no rounding drift.
// The caller owns the Bucket, passes `now`, and stores the Bucket it gets back: one word a key,
// shared ones by compare-and-swap (rate_table.h). Full_at is the moment from which the bucket holds
// its whole burst again.
#include <algorithm>
#include <cstdint>

#include "base/time.h"

namespace headgate::decide::limit {

struct Limits {
  std::int64_t period_ns = 1;     // between two takes at the even pace
  std::int64_t tolerance_ns = 0;  // (burst - 1) * period
};
struct Bucket {
  std::int64_t full_at_ns = 0;
};
struct Taken {
  Bucket next;
  bool allowed = false;
};

inline constexpr std::int64_t kForeverNs = std::int64_t{1} << 61;  // 73 years

// `requests` in each `period`, and up to `burst` of them at once (0 counts as 1). Rounds so that
// the rate is never exceeded. No requests: nothing is ever allowed.
constexpr Limits limits_of(std::uint64_t requests, Duration period, std::uint64_t burst) {
  if (requests == 0) return {kForeverNs, -2 * kForeverNs};
  const auto whole = static_cast<std::uint64_t>(std::max<std::int64_t>(period.count(), 1));
  const auto pace = static_cast<std::int64_t>(
      std::min((whole - 1) / requests + 1, static_cast<std::uint64_t>(kForeverNs)));
  const std::uint64_t extra = burst > 0 ? burst - 1 : 0;
  const bool huge = extra > static_cast<std::uint64_t>(kForeverNs / pace);
  return {pace, huge ? kForeverNs : static_cast<std::int64_t>(extra) * pace};
}

// A clock that steps back can only deny; it never mints tokens.
constexpr Taken take(Bucket b, Limits limits, Instant now) {
  if (now.ns < b.full_at_ns - limits.tolerance_ns) return {b, false};
  return {{std::max(b.full_at_ns, now.ns) + limits.period_ns}, true};
}

// How long until a take would be allowed; zero when it is now.
constexpr Duration wait_for(Bucket b, Limits limits, Instant now) {
  return Duration(std::max<std::int64_t>(b.full_at_ns - limits.tolerance_ns - now.ns, 0));
}

// The value of Retry-After (RFC 9110 §10.2.3): whole seconds, rounded up, at least 1.
constexpr std::int64_t retry_after_seconds(Duration wait) {
  return std::max<std::int64_t>((wait.count() + 999'999'999) / 1'000'000'000, 1);
}

}  // namespace headgate::decide::limit
