// Random objects that the tables allow, printed as YAML, read back: the loader gives what was
// meant, whatever style of YAML holds it.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cmath>
#include <map>

#include "base/hash.h"
#include "config/config.h"
#include "config/duration.h"
#include "config/syntax.h"

namespace headgate::config {
namespace {

class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t below(std::uint64_t bound) { return (state_ = scramble64(state_ + 1)) % bound; }
  bool chance(std::uint64_t percent) { return below(100) < percent; }
  template <typename List>
  const auto& of(const List& list) {
    return list[below(std::size(list))];
  }

 private:
  std::uint64_t state_;
};

using Samples = std::vector<std::string>;

// Two or three texts of each syntax, those first that YAML could take for something else.
const Samples& samples_of(const Syntax& syntax) {
  static const std::map<const Syntax*, Samples> all = {
      {&syntax::kObjectName, {"1e3", "null", "a.b-c"}},
      {&syntax::kLabel, {"007", "true", "team-a"}},
      {&syntax::kSectionName, {"1", "yes", "http"}},
      {&syntax::kHostname, {"*.shop.example", "a.example", "1.example"}},
      {&syntax::kPreciseHostname, {"a.example", "b.example"}},
      {&syntax::kHeaderName, {"X-Id", "~", "null", "1e3", "!a#b"}},
      {&syntax::kParameterPrefix, {"hg-", "x_", "1."}},
      {&syntax::kQueryPattern, {"utm_*", "page", "a[]", "ü"}},
      {&syntax::kHeaderValue, {"a: b # c", "'", "\"", "0x10", "- x", "{a}", "ü"}},
      {&syntax::kMethodName, {"GET", "~"}},
      {&syntax::kIpAddress, {"10.0.0.1", "::1"}},
      {&syntax::kPrefix, {"10.0.0.0/8", "::/0", "192.0.2.1"}},
      {&syntax::kEndpointAddress, {"10.0.0.1", "::1", "shop.internal"}},
      {&syntax::kOrigin, {"*", "https://*.a.example:8443"}},
      {&syntax::kAbsolutePath, {"/", "/a/b?c=d#e", "/*"}},
      {&syntax::kHttpUrl, {"https://a.example/b?c=d", "http://[::1]:80/"}},
      {&syntax::kBase64, {"bG9uZw==", "MTIz", "1234", ""}},
      {&syntax::kDataKey, {"tls.crt", "1.5", "null", "-"}},
      {&syntax::kLabelKey, {"a.b/c", "1", "true"}},
      {&syntax::kLabelValue, {"", "1.0", "false", "x_y"}},
      {&syntax::kGrpcService, {"shop.v1.Cart", "null"}},
      {&syntax::kGrpcMethod, {"Get", "true"}},
  };
  return all.at(&syntax);
}

const Samples kTexts = {"",       "text",    "0777",   "1e3",    "true",  "on",
                        "null",   "~",       "a: b",   "# c",    " lead", "trail ",
                        "- item", "'",       "\"\\",   "---",    "...",   "two\nlines\n",
                        "\ttab",  "{a: [b]", "&x *x",  "%YAML",  "@`|>",  "!tag",
                        "/a",     "a\r\nb",  "grün ✓", "trail:", "https", "\n\nfirst"};

class Generator {
 public:
  explicit Generator(Random& random) : random_(random) {}

  Json value(const Schema& schema, int depth) {
    switch (schema.type) {
      case Type::kText: return text(schema);
      case Type::kInteger: return static_cast<std::int64_t>(number(schema));
      case Type::kNumber: return random_.chance(50) ? number(schema) : bounded(schema, 0.25);
      case Type::kBoolean: return random_.chance(50);
      case Type::kDuration:
        return format_duration(Duration(static_cast<std::int64_t>(number(schema))));
      case Type::kObject: return fields(schema, depth);
      case Type::kMap: return entries(schema, depth);
      case Type::kList: return items(schema, depth);
      // No field wants anything of it, so YAML's own guess holds.
      case Type::kAny: return Json::parse(R"({"a": [1, true, "text", 0.5], "b": {}})");
    }
    return nullptr;
  }

 private:
  std::string text(const Schema& schema) {
    if (!schema.values.empty()) return std::string(random_.of(schema.values));
    return random_.of(schema.syntax ? samples_of(*schema.syntax) : kTexts);
  }
  double bounded(const Schema& schema, double share) const {
    return schema.min + (schema.max - schema.min) * share;
  }
  double number(const Schema& schema) {
    const double chosen[] = {schema.min, schema.max, std::floor(bounded(schema, 0.5)),
                             std::ceil(bounded(schema, 0.01))};
    return random_.of(chosen);
  }
  Json fields(const Schema& schema, int depth) {
    Json out = Json::object();
    for (const Field& field : schema.fields)
      if (field.schema.is_required || random_.chance(depth < 3 ? 40 : 25))
        out[std::string(field.name)] = value(field.schema, depth + 1);
    return out;
  }
  Json entries(const Schema& schema, int depth) {
    Json out = Json::object();
    const Samples& keys = schema.syntax ? samples_of(*schema.syntax) : kTexts;
    for (std::uint64_t i = random_.below(3); i > 0; --i)
      out[random_.of(keys)] = value(schema.inner[0], depth + 1);
    return out;
  }
  Json items(const Schema& schema, int depth) {
    Json out = Json::array();
    const std::uint64_t count = std::min(schema.size_min + random_.below(2), schema.size_max);
    for (std::uint64_t i = 0; i < count; ++i) out.push_back(value(schema.inner[0], depth + 1));
    return out;
  }
  Random& random_;
};

// One of the styles that YAML has for each value, by chance.
class Printer {
 public:
  explicit Printer(Random& random) : random_(random) {}

  std::string document(const Json& value) { return node(value, 0) + "\n"; }

 private:
  static std::string indent(int level) {
    return std::string(static_cast<std::size_t>(level) * 2, ' ');
  }

  std::string node(const Json& value, int level) {
    if (value.is_string()) return scalar(value.get_ref<const std::string&>(), level);
    if (!value.is_structured() || value.empty() || random_.chance(10)) return value.dump();
    std::string out;
    for (const auto& [key, child] : value.items()) {
      out += (out.empty() && level == 0 ? "" : "\n") + indent(level);
      out += value.is_array() ? "- " : (quoted(key) + ": ");
      out += node(child, level + 1);
    }
    return out;
  }
  std::string quoted(const std::string& s) {
    return is_plain(s) && random_.chance(70) ? s : Json(s).dump();
  }
  // Also what other readers would take for a number or a boolean: the field wants text.
  static bool is_plain(const std::string& s) {
    return !s.empty() && s != "null" && s != "~" && s != "---" && s != "..." &&
           s.find_first_not_of(
               "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./_") ==
               std::string::npos;
  }
  std::string scalar(const std::string& s, int level) {
    const bool one_line = s.find_first_of("\n\r\t") == std::string::npos;
    const bool block = s.ends_with('\n') && s[0] != '\n' && s[0] != ' ' && !s.ends_with("\n\n") &&
                       s.find_first_of("\r\t") == std::string::npos;
    if (block && random_.chance(70)) return literal(s, level);
    if (one_line && random_.chance(40)) return single_quoted(s);
    return quoted(s);
  }
  static std::string single_quoted(const std::string& s) {
    std::string out = "'";
    for (const char c : s) out += c == '\'' ? std::string("''") : std::string(1, c);
    return out + "'";
  }
  static std::string literal(const std::string& s, int level) {
    std::string out = "|";
    std::size_t at = 0;
    while (at < s.size()) {
      const std::size_t end = s.find('\n', at);
      out += "\n" + indent(level + 1) + s.substr(at, end - at);
      at = end + 1;
    }
    return out;
  }
  Random& random_;
};

Json object_of(const Kind& kind, Random& random) {
  Json out = Generator(random).value(kind.schema, 0);
  out["apiVersion"] = kind.group.empty() ? std::string(kind.versions[0])
                                         : fmt::format("{}/{}", kind.group, kind.versions[0]);
  out["kind"] = kind.name;
  return out;
}

// What the table makes of it without any YAML; nothing when a rule over several fields is broken.
std::optional<Json> meant(const Kind& kind, Json value) {
  Problems problems;
  Report report;
  report.problems = &problems;
  if (!validate(kind.schema, value, Place(report))) return std::nullopt;
  if (!kind.inherited) fill_defaults(kind.schema, value);
  return value;
}

TEST(RoundTrip, AValidObjectOfEveryKindIsReadAsItWasMeant) {
  Random random(20);
  for (const Kind& kind : all_kinds()) {
    int good = 0;
    for (int round = 0; round < 4000 && good < 25; ++round) {
      const Json value = object_of(kind, random);
      const auto expected = meant(kind, value);
      if (!expected) continue;
      ++good;
      const std::string yaml = Printer(random).document(value);
      const Loaded loaded = load_text(yaml, "random.yaml");
      for (const Problem& problem : loaded.problems.all()) ADD_FAILURE() << to_string(problem);
      ASSERT_EQ(loaded.objects.size(), 1U) << yaml;
      ASSERT_EQ(*loaded.objects[0]->value, *expected) << yaml;
    }
    EXPECT_GE(good, 5) << kind.name;
  }
}

}  // namespace
}  // namespace headgate::config
