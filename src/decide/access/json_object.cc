#include "decide/access/json_object.h"

#include <set>
#include <vector>

#include "decide/access/limits.h"

namespace headgate::decide::access {

using nlohmann::json;

std::optional<json> parse_json_object(std::string_view text) {
  bool sound = true;
  std::vector<std::set<std::string>> names;
  const auto watch = [&](int depth, json::parse_event_t event, json& parsed) {
    if (static_cast<std::size_t>(depth) > kJsonDepthMax) sound = false;
    if (event == json::parse_event_t::object_start) names.emplace_back();
    if (event == json::parse_event_t::object_end) names.pop_back();
    if (event == json::parse_event_t::key)
      sound = names.back().insert(parsed.get<std::string>()).second && sound;
    return sound;
  };
  json parsed = json::parse(text.begin(), text.end(), watch, false);
  if (!sound || !parsed.is_object()) return std::nullopt;
  return parsed;
}

const std::string* string_member(const json& object, const char* name) {
  const auto found = object.find(name);
  return found == object.end() ? nullptr : found->get_ptr<const std::string*>();
}

}  // namespace headgate::decide::access
