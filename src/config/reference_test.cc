#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "config/config.h"

namespace headgate::config {
namespace {

std::filesystem::path reference(std::string_view name) {
  return std::filesystem::path(HEADGATE_SOURCE_DIR) / "docs" / "reference" /
         (std::string(name) + ".md");
}

std::string read(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

void expect_current(std::string_view name, const std::string& text) {
  if (std::getenv("HEADGATE_UPDATE")) {
    std::filesystem::create_directories(reference(name).parent_path());
    std::ofstream(reference(name), std::ios::binary) << text;
  }
  EXPECT_EQ(read(reference(name)), text)
      << "docs/reference/" << name << ".md is old: run this test with HEADGATE_UPDATE=1";
}

TEST(Reference, TheFilesAreWhatTheSchemaSays) {
  for (const Kind& kind : all_kinds()) expect_current(kind.plural, reference_markdown(kind));
  expect_current("README", reference_index_markdown());
}

TEST(Reference, EveryExampleIsValid) {
  for (const Kind& kind : all_kinds()) {
    const Loaded loaded = load_text(kind.example, std::string(kind.name) + ".yaml");
    for (const Problem& problem : loaded.problems.all()) ADD_FAILURE() << to_string(problem);
    ASSERT_EQ(loaded.objects.size(), 1U) << kind.name;
    EXPECT_EQ(loaded.objects[0]->kind->name, kind.name);
  }
}

void expect_prose(const Schema& schema, const std::string& path) {
  for (const Field& field : schema.fields) {
    EXPECT_TRUE(field.prose.ends_with('.')) << path << field.name << ": prose is a sentence";
    expect_prose(field.schema, path + std::string(field.name) + ".");
  }
  if (!schema.inner.empty()) expect_prose(schema.inner[0], path);
}

TEST(Reference, EveryFieldHasProse) {
  for (const Kind& kind : all_kinds()) expect_prose(kind.schema, std::string(kind.name) + ".");
}

// Producer and consumer of a default are the same table, so a default must pass its own validation.
void expect_valid_defaults(const Schema& schema, const std::string& path) {
  if (!schema.fallback.empty()) {
    Json value = Json::parse(schema.fallback);
    Problems problems;
    Report report;
    report.problems = &problems;
    Schema bare = schema;
    EXPECT_TRUE(validate(bare, value, Place(report)))
        << path << ": " << (problems.all().empty() ? "" : to_string(problems.all()[0]));
  }
  for (const Field& field : schema.fields)
    expect_valid_defaults(field.schema, path + "." + std::string(field.name));
  if (!schema.inner.empty()) expect_valid_defaults(schema.inner[0], path + "[]");
}

TEST(Reference, EveryDefaultIsValid) {
  for (const Kind& kind : all_kinds()) expect_valid_defaults(kind.schema, std::string(kind.name));
}

}  // namespace
}  // namespace headgate::config
