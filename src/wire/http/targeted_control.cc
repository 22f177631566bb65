#include "wire/http/targeted_control.h"

#include <algorithm>
#include <string>

#include "base/ascii.h"

namespace headgate::wire::http {
namespace {

std::string joined_lines(const Fields& fields, std::string_view name) {
  std::string text;
  const FieldId id = field_id(name);
  for (const Field& field : fields) {
    if (field.id != id || (id == FieldId::kOther && !equals_ignore_case(field.name, name)))
      continue;
    if (!text.empty()) text += ", ";
    text += field.value;
  }
  return text;
}

// The directive that a member stands for; a type that no directive has is junk to it.
Directive directive_of(SfMember& member) {
  if (member.is_inner_list) return {member.key, std::nullopt, false};
  SfBareItem& value = member.items.front().value;
  switch (value.type) {
    case SfBareItem::Type::kBoolean: return {member.key, std::nullopt, true};
    case SfBareItem::Type::kInteger:
      value.text = std::to_string(value.number);
      return {member.key, value.text, true};
    default: return {member.key, value.text, false};
  }
}

bool is_false(const SfMember& member) {
  if (member.is_inner_list) return false;
  const SfBareItem& value = member.items.front().value;
  return value.type == SfBareItem::Type::kBoolean && value.number == 0;
}

// A list of field names is a string; everything else is not one (§2.1).
void apply_member(CacheControl& control, SfMember& member) {
  if (is_false(member)) return;
  Directive directive = directive_of(member);
  const bool is_string =
      !member.is_inner_list && member.items.front().value.type == SfBareItem::Type::kString;
  if (is_string && (member.key == "no-cache" || member.key == "private")) directive.is_clean = true;
  apply(control, directive);
}

}  // namespace

std::optional<TargetedControl> parse_targeted_control(const Fields& fields, std::string_view name) {
  const std::string text = joined_lines(fields, name);
  auto members = parse_sf_dictionary(text);
  if (!members || members->empty()) return std::nullopt;
  TargetedControl targeted;
  targeted.members = std::move(*members);
  targeted.control.is_present = true;
  for (SfMember& member : targeted.members) apply_member(targeted.control, member);
  return targeted;
}

}  // namespace headgate::wire::http
