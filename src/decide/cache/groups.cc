#include "decide/cache/groups.h"

#include "base/ascii.h"
#include "wire/http/structured_field.h"

namespace headgate::decide::cache {

std::vector<std::string> groups_of(const wire::http::Fields& response, std::string_view field) {
  using Type = wire::http::SfBareItem::Type;
  std::string lines;
  for (const wire::http::Field& line : response) {
    if (!equals_ignore_case(line.name, field)) continue;
    if (!lines.empty()) lines += ", ";
    lines += line.value;
  }
  const auto list = lines.empty() ? std::nullopt : wire::http::parse_sf_list(lines);
  if (!list) return {};
  std::vector<std::string> out;
  for (const wire::http::SfMember& member : *list) {
    if (member.is_inner_list || member.items[0].value.type != Type::kString) return {};
    const std::string& name = member.items[0].value.text;
    if (out.size() < kGroupsMax && name.size() <= kGroupBytesMax) out.push_back(name);
  }
  return out;
}

}  // namespace headgate::decide::cache
