#include <fmt/format.h>

#include <cmath>

#include "config/duration.h"
#include "config/kind.h"

namespace headgate::config {
namespace {

// The four that every object has stand in the introduction of docs/reference/README.md.
bool is_common(std::string_view name) {
  return name == "apiVersion" || name == "kind" || name == "metadata" || name == "status";
}

std::string type_text(const Schema& schema) {
  switch (schema.type) {
    case Type::kText: return "text";
    case Type::kInteger: return "whole number";
    case Type::kNumber: return "number";
    case Type::kBoolean: return "true or false";
    case Type::kDuration: return "duration";
    case Type::kObject: return "map of fields";
    case Type::kMap: return "map of " + type_text(schema.inner[0]);
    case Type::kList: return "list of " + type_text(schema.inner[0]);
    case Type::kAny: return "anything";
  }
  return {};
}

std::string number_text(double value) {
  return std::floor(value) == value && std::abs(value) < 1e16
             ? fmt::format("{}", static_cast<std::int64_t>(value))
             : fmt::format("{}", value);
}

std::string bounds_text(const Schema& schema) {
  std::vector<std::string> parts;
  if (!schema.values.empty())
    parts.push_back(fmt::format("one of {}", fmt::join(schema.values, ", ")));
  if (schema.type == Type::kDuration)
    parts.push_back(fmt::format("{} to {}",
                                format_duration(Duration(static_cast<std::int64_t>(schema.min))),
                                format_duration(Duration(static_cast<std::int64_t>(schema.max)))));
  else if (std::isfinite(schema.min))
    parts.push_back(fmt::format("{} to {}", number_text(schema.min), number_text(schema.max)));
  if (schema.syntax)
    parts.push_back(
        fmt::format("{}{}", schema.type == Type::kMap ? "keys: " : "", schema.syntax->expected));
  const bool counted = schema.type == Type::kList || schema.type == Type::kMap;
  if (schema.size_max != SIZE_MAX &&
      (counted || (schema.values.empty() && schema.type == Type::kText)))
    parts.push_back(fmt::format(
        "{}{} {}", schema.size_min > 0 ? fmt::format("{} to ", schema.size_min) : "at most ",
        schema.size_max, counted ? (schema.type == Type::kList ? "items" : "entries") : "bytes"));
  if (!schema.unique.empty())
    parts.push_back(schema.unique[0].empty()
                        ? "no value twice"
                        : fmt::format("items differ in {}", fmt::join(schema.unique, ", ")));
  if (counted && schema.inner[0].type != Type::kObject)
    if (const std::string inner = bounds_text(schema.inner[0]); !inner.empty())
      parts.push_back("each " + inner);
  return fmt::format("{}", fmt::join(parts, "; "));
}

std::string default_text(const Schema& schema) {
  if (schema.is_required) return "required";
  if (schema.fallback.empty() || schema.fallback == "{}") return {};
  return fmt::format("`{}`", schema.fallback);
}

// A '|' would end the cell.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|') out += '\\';
    out += c;
  }
  return out;
}

const Schema& innermost(const Schema& schema) {
  return schema.inner.empty() ? schema : innermost(schema.inner[0]);
}

void add_rows(const Schema& schema, const std::string& prefix, std::string& out) {
  for (const Field& field : schema.fields) {
    if (prefix.empty() && is_common(field.name)) continue;
    const std::string path =
        prefix + std::string(field.name) + (field.schema.type == Type::kList ? "[]" : "");
    out += fmt::format("| `{}` | {} | {} | {} | {} |\n", path, type_text(field.schema),
                       cell(bounds_text(field.schema)), cell(default_text(field.schema)),
                       cell(field.prose));
    add_rows(innermost(field.schema), path + (field.schema.type == Type::kMap ? ".*." : "."), out);
  }
}

void add_rules(const Schema& schema, const std::string& path, std::string& out) {
  for (const Rule& rule : schema.rules)
    out += fmt::format("- {}{}\n", path.empty() ? "" : fmt::format("`{}`: ", path), rule.prose);
  if (!schema.inner.empty())
    add_rules(schema.inner[0], path + (schema.type == Type::kList ? "[]" : ".*"), out);
  for (const Field& field : schema.fields)
    if (!path.empty() || !is_common(field.name))
      add_rules(field.schema,
                path.empty() ? std::string(field.name) : fmt::format("{}.{}", path, field.name),
                out);
}

}  // namespace

std::string reference_markdown(const Kind& kind) {
  std::vector<std::string> versions;
  for (const std::string_view version : kind.versions)
    versions.push_back(kind.group.empty() ? fmt::format("`{}`", version)
                                          : fmt::format("`{}/{}`", kind.group, version));
  std::string out = fmt::format(
      "<!-- Made by `headgate docs` from the schema; changes here are lost. -->\n# {}\n\n{}\n\nAPI "
      "version: {}. {}.\n\n",
      kind.name, kind.prose, fmt::join(versions, ", "),
      kind.namespaced ? "Lives in a namespace" : "Has no namespace");
  out += fmt::format(
      "```yaml\n{}```\n\n| field | type | allowed | default | meaning |\n|---|---|---|---|---|\n",
      kind.example);
  add_rows(kind.schema, {}, out);
  std::string rules;
  add_rules(kind.schema, {}, rules);
  if (!rules.empty()) out += "\n## Rules\n\n" + rules;
  return out;
}

std::string reference_index_markdown() {
  std::string out =
      "<!-- Made by `headgate docs` from the schema; changes here are lost. -->\n# Reference\n\n"
      "Resources are written as in Kubernetes: `apiVersion`, `kind`, `metadata` and `spec`; "
      "several documents a file, `kind: List` too. "
      "A field that does not exist is an error. Durations are one to four numbers of at most five "
      "digits, each with its unit: `1h30m`, `250ms`.\n\n"
      "| field | meaning |\n|---|---|\n";
  const Schema& metadata = find_field(find_kind("Upstream")->schema, "metadata")->schema;
  for (const Field& field : metadata.fields)
    out += fmt::format("| `metadata.{}` | {} |\n", field.name, cell(field.prose));
  out += "\n| kind | API version | what it is |\n|---|---|---|\n";
  for (const Kind& kind : all_kinds())
    out += fmt::format("| [{}]({}.md) | {}{}{} | {} |\n", kind.name, kind.plural, kind.group,
                       kind.group.empty() ? "" : "/", kind.versions[0], cell(kind.prose));
  return out;
}

}  // namespace headgate::config
