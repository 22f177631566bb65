#pragma once
// Timers of one loop: a hashed wheel (Varghese and Lauck 1987, scheme 6). Arming, moving and cancelling are O(1) and touch
// no kernel object. A timer that is moved to a later deadline stays where it is and is placed anew when its slot comes up,
// so that pushing an idle deadline forward on every request costs one store.
// A timer fires at most one tick late, never early. Single thread.
#include <array>
#include <cstdint>

#include "base/list.h"
#include "base/time.h"

namespace headgate::io {

struct TimerTag;

// Owned by what it serves; disarms itself on destruction. `fire` runs on the loop's thread and may arm the timer again.
class Timer : public ListNode<TimerTag> {
 public:
  using Fire = void (*)(void* owner);
  Timer(Fire fire, void* owner) : fire_(fire), owner_(owner) {}
  bool armed() const { return linked() && deadline_.ns != kDisarmed; }
  Instant deadline() const { return deadline_; }

 private:
  friend class TimerWheel;
  static constexpr std::int64_t kDisarmed = INT64_MAX;
  Fire fire_;
  void* owner_;
  Instant deadline_{kDisarmed};  // what the owner asked for
  std::int64_t placed_tick_ = 0; // where the wheel put it; never later than the deadline
};

// Timer that calls a member function: `MemberTimer<&Session::on_idle> idle_{this};`
template <auto Member>
class MemberTimer;
template <typename Owner, void (Owner::*Member)()>
class MemberTimer<Member> : public Timer {
 public:
  explicit MemberTimer(Owner* owner) : Timer([](void* o) { (static_cast<Owner*>(o)->*Member)(); }, owner) {}
};

class TimerWheel {
 public:
  static constexpr std::int64_t kTickNs = 4'000'000;
  static constexpr std::size_t kSlots = 2048;  // one turn is about 8 s; longer timers wait in their slot for more turns

  explicit TimerWheel(Instant start) : tick_(start.ns / kTickNs) {}
  void arm(Timer& timer, Instant deadline);
  void disarm(Timer& timer);
  // Fires everything due at `now`.
  void advance(Instant now);
  // Time until a slot with a timer comes up; Duration::max() when there is none.
  Duration until_next(Instant now) const;

 private:
  void place(Timer& timer);
  void visit(std::size_t slot, Instant now);

  std::array<List<Timer, TimerTag>, kSlots> slots_;
  mutable std::array<std::uint64_t, kSlots / 64> occupied_{};  // may say yes for an empty slot, never no for a full one
  std::int64_t tick_;  // the last tick that was visited
};

}  // namespace headgate::io
