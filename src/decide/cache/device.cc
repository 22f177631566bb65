#include "decide/cache/device.h"

namespace headgate::decide::cache {
namespace {

bool has(std::string_view text, std::string_view word) {
  return text.find(word) != std::string_view::npos;
}

}  // namespace

// Android says Mobile on telephones alone.
Device device_of(std::string_view user_agent) {
  if (has(user_agent, "iPad") || has(user_agent, "Tablet") || has(user_agent, "Kindle"))
    return Device::kTablet;
  if (has(user_agent, "Mobi") || has(user_agent, "iPhone") || has(user_agent, "iPod"))
    return Device::kMobile;
  return has(user_agent, "Android") ? Device::kTablet : Device::kDesktop;
}

std::string_view to_string(Device device) {
  switch (device) {
    case Device::kDesktop: return "desktop";
    case Device::kMobile: return "mobile";
    case Device::kTablet: return "tablet";
  }
  return "desktop";
}

}  // namespace headgate::decide::cache
