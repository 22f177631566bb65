#include "config/schema.h"

namespace headgate::config {

Schema Schema::required() const {
  Schema s = *this;
  s.is_required = true;
  return s;
}
Schema Schema::secret() const {
  Schema s = *this;
  s.is_secret = true;
  return s;
}
Schema Schema::or_else(std::string_view text) const {
  Schema s = *this;
  s.fallback =
      s.type == Type::kText || s.type == Type::kDuration ? Json(text).dump() : std::string(text);
  s.parsed_fallback = Json::parse(s.fallback);
  return s;
}
Schema Schema::one_of(std::vector<std::string_view> allowed) const {
  Schema s = *this;
  s.values = std::move(allowed);
  return s;
}
Schema Schema::as(const Syntax& wanted) const {
  Schema s = *this;
  s.syntax = &wanted;
  return s;
}
Schema Schema::size(std::size_t least, std::size_t most) const {
  Schema s = *this;
  s.size_min = least;
  s.size_max = most;
  return s;
}
Schema Schema::unique_by(std::vector<std::string_view> names) const {
  Schema s = *this;
  s.unique = std::move(names);
  return s;
}
Schema Schema::where(std::string_view prose, void (*check)(const Json&, const Place&)) const {
  Schema s = *this;
  s.rules.push_back({prose, check});
  return s;
}

namespace {
Schema of_type(Type type) {
  Schema s;
  s.type = type;
  return s;
}
}  // namespace

Schema text(std::size_t bytes_max) {
  Schema s = of_type(Type::kText);
  s.size_max = bytes_max;
  return s;
}
Schema integer(std::int64_t min, std::int64_t max) {
  Schema s = of_type(Type::kInteger);
  s.min = static_cast<double>(min);
  s.max = static_cast<double>(max);
  return s;
}
Schema number(double min, double max) {
  Schema s = of_type(Type::kNumber);
  s.min = min;
  s.max = max;
  return s;
}
Schema boolean() { return of_type(Type::kBoolean); }
Schema duration(Duration min, Duration max) {
  Schema s = of_type(Type::kDuration);
  s.min = static_cast<double>(min.count());
  s.max = static_cast<double>(max.count());
  return s;
}
Schema object(std::vector<Field> fields) {
  Schema s = of_type(Type::kObject);
  s.fields = std::move(fields);
  return s;
}
Schema list(const Schema& item, std::size_t items_max) {
  Schema s = of_type(Type::kList);
  s.inner = {item};
  s.size_max = items_max;
  return s;
}
Schema map(const Schema& value, std::size_t entries_max) {
  Schema s = of_type(Type::kMap);
  s.inner = {value};
  s.size_max = entries_max;
  return s;
}
Schema any() { return of_type(Type::kAny); }

Schema extend(Schema base, std::vector<Field> more) {
  for (Field& field : more) base.fields.push_back(std::move(field));
  return base;
}

const Field* find_field(const Schema& schema, std::string_view name) {
  for (const Field& field : schema.fields)
    if (field.name == name) return &field;
  return nullptr;
}

void fill_defaults(const Schema& schema, Json& value) {
  if (value.is_array()) {
    for (Json& item : value)
      if (!schema.inner.empty()) fill_defaults(schema.inner[0], item);
    return;
  }
  if (!value.is_object()) return;
  if (schema.type == Type::kMap)
    for (Json& item : value) fill_defaults(schema.inner[0], item);
  for (const Field& field : schema.fields) {
    auto it = value.find(field.name);
    if (it == value.end() && !field.schema.fallback.empty())
      it = value.emplace(std::string(field.name), field.schema.parsed_fallback).first;
    if (it != value.end()) fill_defaults(field.schema, *it);
  }
}

}  // namespace headgate::config
