#pragma once
// JSON of strangers: an object, nothing behind it, no name twice in one object (two readers could
// choose differently), nesting bounded. For this folder's own sources: it drags a large header
// along.
#include <optional>
#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

namespace headgate::decide::access {

std::optional<nlohmann::json> parse_json_object(std::string_view text);

// nullptr: the member is missing or is no string.
const std::string* string_member(const nlohmann::json& object, const char* name);

}  // namespace headgate::decide::access
