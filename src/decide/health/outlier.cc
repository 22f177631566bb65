#include "decide/health/outlier.h"

#include <algorithm>

namespace headgate::decide::health {
namespace {

// Every base ejection time in service forgives one ejection.
std::uint32_t remembered(const OutlierState& state, const model::OutlierDetection& settings,
                         Instant now) {
  if (settings.base_ejection <= Duration::zero()) return 0;
  const auto forgiven = static_cast<std::uint64_t>(
      std::max<std::int64_t>((now - state.changed_at) / settings.base_ejection, 0));
  return forgiven >= state.ejections ? 0 : state.ejections - static_cast<std::uint32_t>(forgiven);
}

Duration ejection_time(std::uint32_t ejections, const model::OutlierDetection& settings) {
  if (settings.base_ejection <= Duration::zero()) return Duration::zero();
  const std::int64_t times_max = settings.ejection_max / settings.base_ejection;
  if (ejections > times_max) return std::max(settings.ejection_max, settings.base_ejection);
  return settings.base_ejection * ejections;
}

}  // namespace

Judged on_result(OutlierState state, bool error, SetHealth set,
                 const model::OutlierDetection& settings, Instant now) {
  if (!settings.enabled || state.ejected) return {state, false};
  if (!error) {
    state.errors_in_a_row = 0;
    return {state, false};
  }
  if (state.errors_in_a_row < settings.consecutive_errors) ++state.errors_in_a_row;
  if (state.errors_in_a_row < settings.consecutive_errors || !may_eject(set, settings))
    return {state, false};
  state.ejections = remembered(state, settings, now) + 1;
  state.errors_in_a_row = 0;
  state.ejected = true;
  state.changed_at = now + ejection_time(state.ejections, settings);
  return {state, true};
}

bool return_if_due(OutlierState& state, Instant now) {
  if (!state.ejected || now < state.changed_at) return false;
  state.ejected = false;
  state.changed_at = now;
  return true;
}

}  // namespace headgate::decide::health
