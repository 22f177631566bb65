#pragma once
// The only place that reads the clocks. Loops sample them once for each batch of events and pass the value down.
#include "base/time.h"

namespace headgate::io {

Instant monotonic_now();
WallTime wall_now();

}  // namespace headgate::io
