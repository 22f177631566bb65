#include "io/clock.h"

#include <ctime>

namespace headgate::io {

namespace {
std::int64_t read_clock(clockid_t id) {
  timespec t;
  ::clock_gettime(id, &t);
  return static_cast<std::int64_t>(t.tv_sec) * 1'000'000'000 + t.tv_nsec;
}
}  // namespace

Instant monotonic_now() { return {read_clock(CLOCK_MONOTONIC)}; }
WallTime wall_now() { return {read_clock(CLOCK_REALTIME)}; }

}  // namespace headgate::io
