#pragma once
// The shape of a resource as one table: it parses, fills in defaults, validates with paths and
// suggestions, and prints the reference. A Schema is a value that is built once per kind
// (kinds/*.cc) and never changes; any thread may read it.
//
//   object({
//     {"connectTimeout", duration(1ms, 1h).or_else("3s"), "How long a connection may take to be
//     made."},
//   })
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "config/place.h"
#include "config/yaml.h"

namespace headgate::config {

enum class Type : std::uint8_t {
  kText,
  kInteger,
  kNumber,
  kBoolean,
  kDuration,
  kObject,
  kMap,
  kList,
  kAny
};

// A syntax of text: hostname, header name, ... (syntax.h).
struct Syntax {
  std::string_view expected;  // "a DNS host name in lower case, or '*.' and one"
  bool (*valid)(std::string_view);
};

// A condition over several fields of one object; reports at the place of the field that should
// change.
struct Rule {
  std::string_view prose;
  void (*check)(const Json& value, const Place& place);
};

struct Field;

struct Schema {
  Type type = Type::kAny;
  bool is_required = false;
  bool is_secret = false;  // its value is never repeated in a problem
  std::string fallback;    // JSON text of the default; empty: none
  Json parsed_fallback;    // the same, made once
  double min = -std::numeric_limits<double>::infinity(),
         max = std::numeric_limits<double>::infinity();
  std::size_t size_min = 0, size_max = SIZE_MAX;  // bytes of text, items, entries
  std::vector<std::string_view> values;           // text: one of
  const Syntax* syntax = nullptr;                 // text; the keys of a map
  std::vector<Field> fields;                      // object
  std::vector<Schema> inner;                      // list: its item; map: its value; else empty
  std::vector<std::string_view>
      unique;  // list: fields that together tell items apart; {""}: the item itself
  std::vector<Rule> rules;

  Schema required() const;
  Schema secret() const;
  Schema or_else(std::string_view text) const;  // of text and duration: the value itself; else JSON
  Schema one_of(std::vector<std::string_view> allowed) const;
  Schema as(const Syntax& wanted) const;
  Schema size(std::size_t least, std::size_t most) const;
  Schema unique_by(std::vector<std::string_view> names) const;
  Schema where(std::string_view prose, void (*check)(const Json&, const Place&)) const;
};

struct Field {
  std::string_view name;
  Schema schema;
  std::string_view prose;
};

Schema text(std::size_t bytes_max = 4096);
Schema integer(std::int64_t min, std::int64_t max);
Schema number(double min, double max);
Schema boolean();
Schema duration(Duration min, Duration max);
Schema object(std::vector<Field> fields);
Schema list(const Schema& item, std::size_t items_max);
Schema map(const Schema& value, std::size_t entries_max);
Schema any();
// The fields of `base` and then of `more`.
Schema extend(Schema base, std::vector<Field> more);

const Field* find_field(const Schema& schema, std::string_view name);

// Checks `value`, turns undecided scalars into what the schema wants and removes nulls. Reports
// everything that is wrong; true when nothing was.
bool validate(const Schema& schema, Json& value, const Place& place);
// Puts defaults where a field is absent, to every depth. Separate from `validate`, because what is
// inherited field by field gets its defaults only after it has been merged.
void fill_defaults(const Schema& schema, Json& value);

}  // namespace headgate::config
