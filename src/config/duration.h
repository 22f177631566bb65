#pragma once
// Durations as the Gateway API writes them (GEP-2257): one to four parts, each 1-5 digits and a
// unit of h, m, s, ms.
#include <optional>
#include <string>
#include <string_view>

#include "base/time.h"

namespace headgate::config {

std::optional<Duration> parse_duration(std::string_view text);
// The shortest text that parse_duration reads back; whole milliseconds, rounded down; at most
// 99999h.
std::string format_duration(Duration duration);

}  // namespace headgate::config
