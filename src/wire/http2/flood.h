#pragma once
// Counts what a peer makes us do for nothing, per window of time. A value without clock: the
// session passes `now`. A fixed window lets through at most twice the budget around its edge, and
// costs two words a kind.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "wire/http2/limits.h"

namespace headgate::wire::http2 {

enum class Flood : std::uint8_t {
  kResets,
  kSettings,
  kPings,
  kEmptyData,
  kPriority,
  kWindowUpdates,
  kDribbles,
  kOther,
  kRefused,
  kContinuations,  // too many CONTINUATION frames, or too large a head, in one piece
  kAcks,           // the peer asks for acks and does not read them
  kCount,
};
std::string_view to_string(Flood kind);

class FloodGuard {
 public:
  explicit FloodGuard(const FloodBudgets& budgets);

  // False when the budget of the running window is spent.
  bool charge(Flood kind, Instant now);
  // Our own DATA earns the peer the frames that answer it; never more than one budget ahead.
  void credit_data_frame();

 private:
  static constexpr std::size_t kBudgets = static_cast<std::size_t>(Flood::kContinuations);
  std::array<std::uint32_t, kBudgets> budget_;
  std::array<std::int64_t, kBudgets> used_{};  // negative: credit
  Duration window_;
  Instant window_ends_{INT64_MIN};
};

}  // namespace headgate::wire::http2
