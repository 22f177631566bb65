#pragma once
// Active health checks as a state machine: results in, health out. A value; the caller sends the
// checks and keeps the time. A new endpoint takes requests at once, and its first result decides
// alone: it has no history that a threshold could weigh.
#include <cstdint>

#include "base/prng.h"
#include "base/time.h"
#include "model/upstream.h"

namespace headgate::decide::health {

struct CheckState {
  bool healthy = true;
  bool proven = false;        // had a result
  std::uint32_t against = 0;  // results in a row that speak against `healthy`
};

struct Checked {
  CheckState next;
  bool changed = false;  // of `healthy`
};

constexpr Checked on_check(CheckState state, bool passed, const model::HealthCheck& check) {
  if (passed == state.healthy) return {{state.healthy, true, 0}, false};
  const std::uint32_t needed = passed ? check.healthy_threshold : check.unhealthy_threshold;
  if (!state.proven || state.against + 1 >= needed) return {{passed, true, 0}, true};
  return {{state.healthy, true, state.against + 1}, false};
}

constexpr bool status_passes(const model::HealthCheck& check, int status) {
  return status >= check.status_min && status <= check.status_max;
}

// The interval, 10 % more or less, so that workers and edges do not check in step. The first check
// comes anywhere within one interval.
inline Duration next_check_in(const model::HealthCheck& check, bool first, Prng& prng) {
  const double share = first ? prng.unit() : 0.9 + 0.2 * prng.unit();
  return Duration(static_cast<std::int64_t>(static_cast<double>(check.interval.count()) * share));
}

}  // namespace headgate::decide::health
