#include "io/timer.h"

#include <algorithm>
#include <bit>

namespace headgate::io {

namespace {
constexpr std::size_t slot_of(std::int64_t tick) { return static_cast<std::size_t>(tick) % TimerWheel::kSlots; }
// The first tick that starts at or after the deadline.
constexpr std::int64_t tick_of(Instant deadline) {
  return (deadline.ns + TimerWheel::kTickNs - 1) / TimerWheel::kTickNs;
}
}  // namespace

void TimerWheel::arm(Timer& timer, Instant deadline) {
  timer.deadline_ = deadline;
  if (timer.linked() && timer.placed_tick_ <= tick_of(deadline)) return;
  place(timer);
}

// Lazy: the node stays linked and is dropped when its slot comes up.
void TimerWheel::disarm(Timer& timer) { timer.deadline_ = {Timer::kDisarmed}; }

void TimerWheel::place(Timer& timer) {
  timer.placed_tick_ = std::max(tick_of(timer.deadline_), tick_ + 1);
  const std::size_t slot = slot_of(timer.placed_tick_);
  slots_[slot].push_back(timer);
  occupied_[slot / 64] |= std::uint64_t{1} << (slot % 64);
}

void TimerWheel::advance(Instant now) {
  const std::int64_t target = now.ns / kTickNs;
  if (target - tick_ >= static_cast<std::int64_t>(kSlots)) tick_ = target - static_cast<std::int64_t>(kSlots);
  while (tick_ < target) {
    ++tick_;
    const std::size_t slot = slot_of(tick_);
    if (occupied_[slot / 64] >> (slot % 64) & 1) visit(slot, now);
  }
}

void TimerWheel::visit(std::size_t slot, Instant now) {
  occupied_[slot / 64] &= ~(std::uint64_t{1} << (slot % 64));
  List<Timer, TimerTag> due;
  while (!slots_[slot].empty()) {
    Timer& timer = slots_[slot].front();
    timer.unlink();
    due.push_back(timer);
  }
  while (!due.empty()) {  // a fired timer may disarm, destroy or arm any other, so take one at a time
    Timer& timer = due.front();
    timer.unlink();
    if (timer.deadline_.ns == Timer::kDisarmed) continue;
    if (timer.deadline_ > now || tick_of(timer.deadline_) > tick_) {
      place(timer);
      continue;
    }
    timer.deadline_ = {Timer::kDisarmed};
    timer.fire_(timer.owner_);
  }
}

Duration TimerWheel::until_next(Instant now) const {
  const std::size_t start = slot_of(tick_ + 1);
  for (std::size_t step = 0; step <= occupied_.size(); ++step) {
    const std::size_t word = (start / 64 + step) % occupied_.size();
    std::uint64_t bits = occupied_[word];
    if (step == 0) bits &= ~std::uint64_t{0} << (start % 64);
    if (bits == 0) continue;
    const std::size_t slot = word * 64 + static_cast<std::size_t>(std::countr_zero(bits));
    const std::int64_t ahead = static_cast<std::int64_t>((slot + kSlots - start) % kSlots) + 1;
    return std::max(Duration((tick_ + ahead) * kTickNs - now.ns), Duration::zero());
  }
  return Duration::max();
}

}  // namespace headgate::io
