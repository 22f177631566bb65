#pragma once
// Outlier detection: an endpoint whose answers to real requests fail in a row is ejected for a
// while, longer each time. A value for each endpoint; the caller counts how many of the set are
// ejected. Pure. At least one endpoint of a set always stays, and never more than
// ejected_percent_max are out.
#include <cstdint>

#include "base/time.h"
#include "model/upstream.h"

namespace headgate::decide::health {

struct OutlierState {
  std::uint32_t errors_in_a_row = 0;
  std::uint32_t ejections = 0;  // that still lengthen the next one
  bool ejected = false;
  Instant changed_at{};  // ejected: until then; else: came back then
};

struct SetHealth {
  std::uint32_t endpoints = 0, ejected = 0;
};

// Whether one more may go.
constexpr bool may_eject(SetHealth set, const model::OutlierDetection& settings) {
  const std::uint64_t out = std::uint64_t{set.ejected} + 1;
  return out < set.endpoints &&
         out * 100 <= std::uint64_t{set.endpoints} * settings.ejected_percent_max;
}

struct Judged {
  OutlierState next;
  bool ejected_now = false;
};

// One finished request: `error` is a 5xx, a reset, a failure to connect. An endpoint that may not
// be ejected because of the others keeps its count and goes at its next error once there is room.
Judged on_result(OutlierState state, bool error, SetHealth set,
                 const model::OutlierDetection& settings, Instant now);

// Brings an endpoint back whose time is over; true: it came back now.
bool return_if_due(OutlierState& state, Instant now);

}  // namespace headgate::decide::health
