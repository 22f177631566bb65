#include "decide/health/concurrency.h"

#include <algorithm>
#include <cmath>

namespace headgate::decide::health {
namespace {

constexpr double kGradientMin = 0.5;
constexpr double kDropFactor = 0.8;  // for a window in which requests were dropped

double clamped(double limit, const model::AdaptiveConcurrency& settings) {
  const double low = std::max<std::uint32_t>(settings.limit_min, 1);
  return std::clamp(limit, low, std::max(low, static_cast<double>(settings.limit_max)));
}

double next_limit(const Concurrency& s, const model::AdaptiveConcurrency& settings) {
  double limit = s.limit;
  if (s.samples > 0 && s.shortest > Duration::zero()) {
    const double mean = static_cast<double>(s.sum.count()) / s.samples;
    const double within = settings.latency_tolerance * static_cast<double>(s.shortest.count());
    const double gradient = std::clamp(within / std::max(mean, 1.0), kGradientMin, 1.0);
    const double wanted = limit * gradient + std::sqrt(limit);
    const bool in_use = s.in_flight_max * 2.0 >= limit;
    if (wanted < limit || in_use) limit = wanted;
  }
  return s.dropped > 0 ? std::min(limit, s.limit * kDropFactor) : limit;
}

// What a steady limit comes to without the queue that the tolerance allows, and somewhat below.
double probe_limit(double limit, const model::AdaptiveConcurrency& settings) {
  return clamped(limit / (std::max(settings.latency_tolerance, 1.0) + 0.5), settings);
}

void begin_window(Concurrency& s, Instant now) {
  s.window_start = now;
  s.sum = s.shortest_in_window = Duration::zero();
  s.samples = s.dropped = s.in_flight_max = 0;
}

// Requests that began before the probe still carry its queue, so the shortest of the window counts,
// not the mean.
void end_probe(Concurrency& s, Instant now) {
  s.limit = s.limit_before_probe;
  s.limit_before_probe = 0;
  s.shortest = s.shortest_in_window;
  s.probed_at = now;
}

void end_window(Concurrency& s, const model::AdaptiveConcurrency& settings, Instant now) {
  if (s.limit_before_probe > 0) {
    if (s.shortest_in_window > Duration::zero()) end_probe(s, now);
    return;
  }
  if (s.shortest_in_window > Duration::zero() &&
      (s.shortest == Duration::zero() || s.shortest_in_window < s.shortest))
    s.shortest = s.shortest_in_window;
  s.limit = clamped(next_limit(s, settings), settings);
  if (now - s.probed_at < kShortestLatencyAge) return;
  s.limit_before_probe = s.limit;
  s.limit = probe_limit(s.limit, settings);
}

}  // namespace

Concurrency start_concurrency(const model::AdaptiveConcurrency& settings, Instant now) {
  Concurrency state;
  state.limit = clamped(settings.limit_min * 2.0, settings);
  state.probed_at = now;
  begin_window(state, now);
  return state;
}

Concurrency on_finished(Concurrency state, const Finished& request,
                        const model::AdaptiveConcurrency& settings, Instant now) {
  state.in_flight_max = std::max(state.in_flight_max, request.in_flight);
  if (request.dropped) {
    ++state.dropped;
  } else {
    ++state.samples;
    state.sum += request.latency;
    const bool shortest =
        state.shortest_in_window == Duration::zero() || request.latency < state.shortest_in_window;
    if (shortest) state.shortest_in_window = std::max(request.latency, Duration(1));
  }
  const bool over =
      now - state.window_start >= kWindow && state.samples + state.dropped >= kWindowSamplesMin;
  if (!over) return state;
  end_window(state, settings, now);
  begin_window(state, now);
  return state;
}

}  // namespace headgate::decide::health
