#pragma once
// The class of a client's device by its User-Agent, for policies that key by it. A guess, coarse on
// purpose: three entries of an object instead of one for each browser. Pure.
#include <cstdint>
#include <string_view>

namespace headgate::decide::cache {

enum class Device : std::uint8_t { kDesktop, kMobile, kTablet };

Device device_of(std::string_view user_agent);
std::string_view to_string(Device device);  // "desktop", "mobile", "tablet"

}  // namespace headgate::decide::cache
