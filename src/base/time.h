#pragma once
// Time as values. Nothing here reads a clock: the loop samples it (io/clock.h) and everybody else takes it as an argument,
// so that the same code runs under a fake clock.
#include <chrono>
#include <compare>
#include <cstdint>

namespace headgate {

using Duration = std::chrono::nanoseconds;
using std::chrono_literals::operator""ns;
using std::chrono_literals::operator""us;
using std::chrono_literals::operator""ms;
using std::chrono_literals::operator""s;
using std::chrono_literals::operator""min;
using std::chrono_literals::operator""h;

// Monotonic; the origin is arbitrary and differs between processes.
struct Instant {
  std::int64_t ns = 0;
  friend constexpr auto operator<=>(Instant, Instant) = default;
  friend constexpr Instant operator+(Instant t, Duration d) { return {t.ns + d.count()}; }
  friend constexpr Instant operator-(Instant t, Duration d) { return {t.ns - d.count()}; }
  friend constexpr Duration operator-(Instant a, Instant b) { return Duration(a.ns - b.ns); }
};

// Nanoseconds since 1970-01-01T00:00:00Z; may jump.
struct WallTime {
  std::int64_t ns = 0;
  constexpr std::int64_t seconds() const { return ns / 1'000'000'000; }
  friend constexpr auto operator<=>(WallTime, WallTime) = default;
  friend constexpr WallTime operator+(WallTime t, Duration d) { return {t.ns + d.count()}; }
  friend constexpr WallTime operator-(WallTime t, Duration d) { return {t.ns - d.count()}; }
  friend constexpr Duration operator-(WallTime a, WallTime b) { return Duration(a.ns - b.ns); }
};

}  // namespace headgate
