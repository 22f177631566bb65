#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <optional>
#include <unordered_set>

#include "base/ascii.h"
#include "config/duration.h"
#include "config/schema.h"

namespace headgate::config {
namespace {

bool check(const Schema& schema, Json& value, const Place& place);

std::string_view as_view(const std::vector<std::uint8_t>& bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

constexpr std::size_t kShownBytesMax = 80;

// The value as a problem shows it: short, on one line, never a secret.
std::string shown(const Schema& schema, const Json& value) {
  if (value.is_object()) return "a map";
  if (value.is_array()) return "a list";
  if (schema.is_secret) return "another value";
  std::string out;
  if (const auto* bytes = undecided(value)) {
    out = fmt::format("'{}'", as_view(*bytes));
  } else if (value.is_string()) {
    out = fmt::format("'{}'", value.get_ref<const std::string&>());
  } else {
    return value.dump();
  }
  for (char& c : out)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  if (out.size() > kShownBytesMax) out = out.substr(0, kShownBytesMax) + "...'";
  return out;
}

std::string joined(const std::vector<std::string_view>& values) {
  return fmt::format("{}", fmt::join(values, ", "));
}

// A name that is near, or the only one that holds what was written: "Prefix" was meant as
// "PathPrefix".
std::string_view suggestion_for(std::string_view got, const std::vector<std::string_view>& values) {
  if (const auto near = nearest_name(got, values.data(), values.size())) return *near;
  std::string_view only;
  for (const std::string_view value : values) {
    if (got.size() < 3 || to_lower(value).find(to_lower(got)) == std::string::npos) continue;
    if (!only.empty()) return {};
    only = value;
  }
  return only;
}

std::string number_text(double value) {
  return std::floor(value) == value && std::abs(value) < 1e15
             ? fmt::format("{}", static_cast<std::int64_t>(value))
             : fmt::format("{}", value);
}

std::string range_text(const Schema& schema) {
  const auto one = [&](double value) {
    return schema.type == Type::kDuration
               ? format_duration(Duration(static_cast<std::int64_t>(value)))
               : number_text(value);
  };
  return fmt::format("from {} to {}", one(schema.min), one(schema.max));
}

bool wrong(const Schema& schema, const Json& value, const Place& place, std::string_view expected) {
  place.error(fmt::format("expected {}, got {}", expected, shown(schema, value)));
  return false;
}

bool check_text(const Schema& schema, Json& value, const Place& place) {
  if (const auto* bytes = undecided(value)) value = std::string(as_view(*bytes));
  if (!value.is_string()) return wrong(schema, value, place, "text");
  const std::string& s = value.get_ref<const std::string&>();
  if (!schema.values.empty() &&
      std::find(schema.values.begin(), schema.values.end(), s) == schema.values.end()) {
    place.error(
        fmt::format("expected one of {}, got {}", joined(schema.values), shown(schema, value)),
        suggestion_for(s, schema.values));
    return false;
  }
  if (s.size() < schema.size_min)
    return wrong(
        schema, value, place,
        fmt::format("at least {} byte{}", schema.size_min, schema.size_min == 1 ? "" : "s"));
  if (s.size() > schema.size_max) {
    place.error(fmt::format("expected at most {} bytes, got {}", schema.size_max, s.size()));
    return false;
  }
  if (schema.syntax && !schema.syntax->valid(s))
    return wrong(schema, value, place, schema.syntax->expected);
  return true;
}

std::optional<double> to_number(const Json& value, bool whole) {
  if (const auto* bytes = undecided(value)) {
    const std::string_view s = as_view(*bytes);
    if (whole) {
      // YAML 1.1 reads 0777 as octal, 1.2 as decimal: refused rather than guessed.
      if (s.size() > 1 && (s[0] == '0' || s.starts_with("-0"))) return std::nullopt;
      std::int64_t n = 0;
      const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
      if (error != std::errc() || end != s.data() + s.size()) return std::nullopt;
      return static_cast<double>(n);
    }
    double n = 0;
    const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), n);
    if (error != std::errc() || end != s.data() + s.size() || !std::isfinite(n))
      return std::nullopt;
    return n;
  }
  if (value.is_number_integer() || (!whole && value.is_number())) return value.get<double>();
  return std::nullopt;
}

bool check_number(const Schema& schema, Json& value, const Place& place) {
  const bool whole = schema.type == Type::kInteger;
  const auto n = to_number(value, whole);
  if (!n || *n < schema.min || *n > schema.max)
    return wrong(schema, value, place,
                 fmt::format("{} {}", whole ? "a whole number" : "a number", range_text(schema)));
  if (whole) {
    value = static_cast<std::int64_t>(*n);
  } else {
    value = *n;
  }
  return true;
}

bool check_boolean(const Schema& schema, Json& value, const Place& place) {
  if (const auto* bytes = undecided(value)) {
    const Json decided = decide_scalar(as_view(*bytes));
    if (decided.is_boolean()) value = decided;
  }
  return value.is_boolean() || wrong(schema, value, place, "true or false");
}

bool check_duration(const Schema& schema, Json& value, const Place& place) {
  std::string s;
  if (const auto* bytes = undecided(value)) s = as_view(*bytes);
  if (value.is_string()) s = value.get<std::string>();
  const auto parsed = parse_duration(s);
  if (!parsed) return wrong(schema, value, place, "a duration such as 250ms, 10s or 1h30m");
  const auto ns = static_cast<double>(parsed->count());
  if (ns < schema.min || ns > schema.max)
    return wrong(schema, value, place, "a duration " + range_text(schema));
  value = std::move(s);
  return true;
}

void unknown_field(const Schema& schema, std::string_view name, const Place& parent) {
  std::vector<std::string_view> names;
  for (const Field& field : schema.fields) names.push_back(field.name);
  const std::string_view near = suggestion_for(name, names);
  Place(parent, name)
      .error(near.empty() && !names.empty()
                 ? fmt::format("unknown field; expected one of {}", joined(names))
                 : std::string("unknown field"),
             near);
}

bool run_rules(const Schema& schema, const Json& value, const Place& place) {
  const std::size_t before = place.report().problems->errors();
  for (const Rule& rule : schema.rules) rule.check(value, place);
  return place.report().problems->errors() == before;
}

bool check_object(const Schema& schema, Json& value, const Place& place) {
  if (!value.is_object()) return wrong(schema, value, place, "a map of fields");
  bool good = true;
  for (auto it = value.begin(); it != value.end();) {
    if (it->is_null()) {
      it = value.erase(it);
      continue;
    }
    const Field* field = find_field(schema, it.key());
    if (field) {
      good &= check(field->schema, *it, Place(place, field->name));
    } else {
      unknown_field(schema, it.key(), place);
      good = false;
    }
    ++it;
  }
  for (const Field& field : schema.fields) {
    if (!field.schema.is_required || value.contains(field.name)) continue;
    Place(place, field.name).error("required, but missing");
    good = false;
  }
  return good;
}

bool check_map(const Schema& schema, Json& value, const Place& place) {
  if (!value.is_object()) return wrong(schema, value, place, "a map");
  if (value.size() > schema.size_max)
    return wrong(schema, value, place, fmt::format("at most {} entries", schema.size_max));
  bool good = true;
  for (auto it = value.begin(); it != value.end(); ++it) {
    const Place entry(place, it.key());
    if (schema.syntax && !schema.syntax->valid(it.key())) {
      entry.error(fmt::format("expected the key to be {}", schema.syntax->expected));
      good = false;
    }
    good &= check(schema.inner[0], *it, entry);
  }
  return good;
}

// What tells an item from its siblings, as text; empty when the item is not of the right shape.
std::string identity(const Schema& schema, const Json& item) {
  if (schema.unique[0].empty()) return item.is_string() ? item.get<std::string>() : std::string();
  std::string out;
  for (const std::string_view name : schema.unique) {
    const auto it = item.is_object() ? item.find(name) : item.end();
    if (it != item.end())
      out += it->is_string() ? it->get<std::string>()
                             : it->dump(-1, ' ', false, Json::error_handler_t::replace);
    out += '\n';
  }
  return out;
}

bool check_unique(const Schema& schema, const Json& value, const Place& place) {
  std::unordered_set<std::string> seen;
  bool good = true;
  for (std::size_t i = 0; i < value.size(); ++i) {
    const std::string id = identity(schema, value[i]);
    if (id.empty() || seen.insert(id).second) continue;
    Place(place, i).error(
        schema.unique[0].empty()
            ? fmt::format("expected a value that does not repeat, got {}", shown(schema, value[i]))
            : fmt::format("expected items that differ in {}", joined(schema.unique)));
    good = false;
  }
  return good;
}

bool check_list(const Schema& schema, Json& value, const Place& place) {
  if (!value.is_array()) return wrong(schema, value, place, "a list");
  bool good = true;
  if (value.size() < schema.size_min || value.size() > schema.size_max) {
    place.error(
        value.size() < schema.size_min
            ? fmt::format("expected at least {} item{}, got {}", schema.size_min,
                          schema.size_min == 1 ? "" : "s", value.size())
            : fmt::format("expected at most {} items, got {}", schema.size_max, value.size()));
    good = false;
  }
  for (std::size_t i = 0; i < value.size(); ++i)
    good &= check(schema.inner[0], value[i], Place(place, i));
  if (good && !schema.unique.empty()) good &= check_unique(schema, value, place);
  return good;
}

// Untyped values: whatever is still undecided is decided by the core schema.
void settle(Json& value) {
  if (const auto* bytes = undecided(value)) value = decide_scalar(as_view(*bytes));
  if (value.is_structured())
    for (Json& child : value) settle(child);
}

bool check(const Schema& schema, Json& value, const Place& place) {
  bool good = true;
  switch (schema.type) {
    case Type::kText: good = check_text(schema, value, place); break;
    case Type::kInteger:
    case Type::kNumber: good = check_number(schema, value, place); break;
    case Type::kBoolean: good = check_boolean(schema, value, place); break;
    case Type::kDuration: good = check_duration(schema, value, place); break;
    case Type::kObject: good = check_object(schema, value, place); break;
    case Type::kMap: good = check_map(schema, value, place); break;
    case Type::kList: good = check_list(schema, value, place); break;
    case Type::kAny: settle(value); break;
  }
  return good && run_rules(schema, value, place);  // a rule may rely on every type below it
}

}  // namespace

bool validate(const Schema& schema, Json& value, const Place& place) {
  return check(schema, value, place);
}

}  // namespace headgate::config
