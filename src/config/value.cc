#include "config/value.h"

#include "base/ascii.h"
#include "base/check.h"
#include "config/duration.h"

namespace headgate::config {

const Json* find(const Json& object, std::string_view name) {
  if (!object.is_object()) return nullptr;
  const auto it = object.find(name);
  return it == object.end() || it->is_null() ? nullptr : &*it;
}

const Json& at(const Json& object, std::string_view name) {
  static const Json empty = Json::object();
  const Json* value = find(object, name);
  return value ? *value : empty;
}

const Json& items(const Json& object, std::string_view name) {
  static const Json empty = Json::array();
  const Json* value = find(object, name);
  return value ? *value : empty;
}

std::string_view text_of(const Json& object, std::string_view name, std::string_view fallback) {
  const Json* value = find(object, name);
  if (!value) return fallback;
  HG_CHECK(value->is_string(), "read before validate");
  return value->get_ref<const std::string&>();
}

std::int64_t integer_of(const Json& object, std::string_view name, std::int64_t fallback) {
  const Json* value = find(object, name);
  return value ? value->get<std::int64_t>() : fallback;
}
double number_of(const Json& object, std::string_view name, double fallback) {
  const Json* value = find(object, name);
  return value ? value->get<double>() : fallback;
}
bool boolean_of(const Json& object, std::string_view name, bool fallback) {
  const Json* value = find(object, name);
  return value ? value->get<bool>() : fallback;
}

Duration duration_of(const Json& object, std::string_view name, Duration fallback) {
  const Json* value = find(object, name);
  return value ? parse_duration(value->get_ref<const std::string&>()).value_or(fallback) : fallback;
}

std::vector<std::string> texts_of(const Json& object, std::string_view name) {
  std::vector<std::string> out;
  for (const Json& item : items(object, name)) out.push_back(item.get<std::string>());
  return out;
}

std::vector<std::string> lower_texts_of(const Json& object, std::string_view name) {
  std::vector<std::string> out = texts_of(object, name);
  for (std::string& one : out) one = to_lower(one);
  return out;
}

std::vector<wire::ip::Prefix> prefixes_of(const Json& object, std::string_view name) {
  std::vector<wire::ip::Prefix> out;
  for (const std::string& text : texts_of(object, name))
    out.push_back(*wire::ip::parse_prefix(text));
  return out;
}

}  // namespace headgate::config
