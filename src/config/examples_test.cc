// What stands under examples/ is a configuration that can be served, and examples/full leaves
// nothing out.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "config/config.h"

namespace headgate::config {
namespace {

namespace fs = std::filesystem;

const fs::path kExamples = fs::path(HEADGATE_SOURCE_DIR) / "examples";

TEST(Examples, CanAllBeServedWithoutAWarning) {
  std::size_t seen = 0;
  for (const auto& entry : fs::directory_iterator(kExamples)) {
    if (!entry.is_directory()) continue;
    const Compiled compiled = build({entry.path().native()}, {});
    for (const Problem& problem : compiled.problems.all()) ADD_FAILURE() << to_string(problem);
    EXPECT_TRUE(compiled.snapshot) << entry.path();
    ++seen;
  }
  EXPECT_GE(seen, 2U);
}

// Paths of the fields that a value sets, as the reference writes them.
void collect(const Schema& schema, const Json& value, const std::string& path,
             std::set<std::string>& out) {
  if (schema.type == Type::kList)
    for (const Json& item : value) collect(schema.inner[0], item, path, out);
  if (schema.type != Type::kObject) return;
  for (const Field& field : schema.fields) {
    const auto it = value.find(field.name);
    if (it == value.end()) continue;
    const std::string here = path + "." + std::string(field.name);
    out.insert(here);
    collect(field.schema, *it, here, out);
  }
}

TEST(Examples, FullShowsEveryKindAndEveryFieldOfAPolicyAndAnUpstream) {
  const Loaded loaded = load({(kExamples / "full").native()});
  std::set<std::string> shown;
  for (const auto& object : loaded.objects) {
    shown.insert(std::string(object->kind->name));
    collect(object->kind->schema, *object->value, std::string(object->kind->name), shown);
  }
  for (const Kind& kind : all_kinds())
    EXPECT_TRUE(shown.contains(std::string(kind.name))) << kind.name;
  for (const char* const name :
       {"Upstream", "TrafficPolicy", "CachePolicy", "RateLimit", "AccessPolicy"}) {
    const Schema& spec = find_field(find_kind(name)->schema, "spec")->schema;
    for (const Field& field : spec.fields) {
      const std::string path = fmt::format("{}.spec.{}", name, field.name);
      EXPECT_TRUE(shown.contains(path)) << path;
      for (const Field& inner : field.schema.fields) {
        if (path == "Upstream.spec.tls") continue;  // its references need a private key
        const std::string below = fmt::format("{}.{}", path, inner.name);
        EXPECT_TRUE(shown.contains(below)) << below;
      }
    }
  }
}

}  // namespace
}  // namespace headgate::config
