#pragma once
// Adaptive concurrency: how many requests an upstream takes at once, learned from its latency (the
// gradient of Envoy's and Netflix's limiters). A value for each upstream and worker; the caller
// counts requests in flight and passes the time.
//
// Latencies are gathered in windows. At the end of one, limit' = limit * gradient + sqrt(limit),
// where the gradient is tolerance * shortest latency / latency of the window, between 0.5 and 1:
// while latency stays within the tolerance the limit grows by its square root, beyond it shrinks in
// proportion. It grows only when at least half of it was in use. The shortest latency is measured
// anew every half minute: for one window the limit is lowered far enough that queues drain (steady
// state holds about `tolerance` times what fits without a queue), so a queue is never learned as
// normal, and an upstream that has become slower for good is believed.
#include <cstdint>

#include "base/time.h"
#include "model/upstream.h"

namespace headgate::decide::health {

inline constexpr Duration kWindow = 100ms;
inline constexpr std::uint32_t kWindowSamplesMin = 16;  // a window goes on until it has as many
inline constexpr Duration kShortestLatencyAge = 30s;

struct Concurrency {
  double limit = 0;
  double limit_before_probe = 0;  // > 0: this window measures the shortest latency anew
  Duration shortest{};            // zero: not known yet
  Instant window_start{}, probed_at{};
  // of the window
  Duration sum{}, shortest_in_window{};
  std::uint32_t samples = 0, dropped = 0, in_flight_max = 0;
};

Concurrency start_concurrency(const model::AdaptiveConcurrency& settings, Instant now);

// Whether one more may start beside `in_flight` others.
constexpr bool admits(const Concurrency& state, std::uint32_t in_flight) {
  return static_cast<double>(in_flight) < state.limit;
}

struct Finished {
  Duration latency{};  // to the response head
  bool dropped =
      false;  // timed out or refused by overload: says nothing about latency, only "too much"
  std::uint32_t in_flight = 0;  // while it ran, itself included
};

Concurrency on_finished(Concurrency state, const Finished& request,
                        const model::AdaptiveConcurrency& settings, Instant now);

}  // namespace headgate::decide::health
