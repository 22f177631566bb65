#include "wire/http2/flood.h"

#include <algorithm>

namespace headgate::wire::http2 {

std::string_view to_string(Flood kind) {
  static constexpr std::array<std::string_view, static_cast<std::size_t>(Flood::kCount)> kNames = {
      "resets",   "settings", "pings",   "empty_data",    "priority", "window_updates",
      "dribbles", "other",    "refused", "continuations", "acks"};
  return kNames[static_cast<std::size_t>(kind)];
}

FloodGuard::FloodGuard(const FloodBudgets& b)
    : budget_{b.resets,         b.settings, b.pings, b.empty_data, b.priority,
              b.window_updates, b.dribbles, b.other, b.refused},
      window_(b.window) {}

// A clock that steps back leaves the running window as it is: it can only deny.
bool FloodGuard::charge(Flood kind, Instant now) {
  if (now >= window_ends_) {
    used_ = {};
    window_ends_ = now + window_;
  }
  const auto index = static_cast<std::size_t>(kind);
  if (used_[index] >= static_cast<std::int64_t>(budget_[index])) return false;
  ++used_[index];
  return true;
}

void FloodGuard::credit_data_frame() {
  const auto earn = [this](Flood kind, std::int64_t frames) {
    const auto index = static_cast<std::size_t>(kind);
    used_[index] = std::max(used_[index] - frames, -static_cast<std::int64_t>(budget_[index]));
  };
  earn(Flood::kPings, 1);
  earn(Flood::kWindowUpdates, 2);
}

}  // namespace headgate::wire::http2
