#include "config/read.h"

#include <fmt/format.h>

#include <ctime>
#include <unordered_map>

#include "base/ascii.h"
#include "base/hash.h"
#include "config/value.h"

namespace headgate::config {
namespace {

// Text of a field of a value that is not validated yet.
std::string raw_text(const Json& value, std::string_view name) {
  const Json* field = find(value, name);
  if (!field) return {};
  if (const auto* bytes = undecided(*field)) return {bytes->begin(), bytes->end()};
  return field->is_string() ? field->get<std::string>() : std::string();
}

// "2026-01-31T12:00:00Z"; 0 when it is something else.
std::int64_t parse_timestamp(std::string_view text) {
  std::tm parts{};
  const std::string copy(text);
  const char* end = strptime(copy.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
  return end && *end == 'Z' ? timegm(&parts) : 0;
}

std::string group_version(const Kind& kind) {
  return kind.group.empty() ? std::string(kind.versions[0])
                            : fmt::format("{}/{}", kind.group, kind.versions[0]);
}

void report_unknown_kind(const std::string& api_version, const std::string& name,
                         const Place& place) {
  if (const Kind* same = find_kind(name)) {
    Place(place, "apiVersion")
        .error(fmt::format("expected the API version of {}, got '{}'", name, api_version),
               group_version(*same));
    return;
  }
  std::vector<std::string_view> names;
  for (const Kind& kind : all_kinds()) names.push_back(kind.name);
  const auto near = nearest_name(name, names.data(), names.size());
  Place(place, "kind")
      .error(
          near ? fmt::format("unknown kind '{}'", name)
               : fmt::format("unknown kind '{}'; expected one of {}", name, fmt::join(names, ", ")),
          near.value_or(""));
}

void take_names(const Json& value, Object& object) {
  const Json& metadata = at(value, "metadata");
  object.name = raw_text(metadata, "name");
  if (object.kind->namespaced) {
    object.name_space = raw_text(metadata, "namespace");
    if (object.name_space.empty()) object.name_space = "default";
  }
  object.label = fmt::format("{} {}", object.kind->name, object.key());
}

void take_metadata(const Json& value, Object& object) {
  const Json& metadata = at(value, "metadata");
  object.generation = integer_of(metadata, "generation");
  object.created_at = parse_timestamp(text_of(metadata, "creationTimestamp"));
}

class Reader {
 public:
  Reader(Document& document, std::shared_ptr<const std::string> file, Problems& problems)
      : lines_(std::make_shared<const Lines>(std::move(document.lines))),
        file_(std::move(file)),
        first_line_(document.first_line),
        problems_(problems) {}

  // `line` is the document's own.
  void read(Json value, std::uint64_t root, int line, Objects& out) const {
    auto object = std::make_shared<Object>();
    object->lines = lines_;
    object->root = root;
    object->file = file_;
    object->first_line = first_line_;
    object->line = first_line_ + line - 1;
    const std::string name = raw_text(value, "kind"), version = raw_text(value, "apiVersion");
    if (name == "List" && version == "v1") return read_list(std::move(value), *object, out);
    object->kind = find_kind(version, name);
    if (!object->kind) return report_no_kind(value, *object);
    take_names(value, *object);
    finish(value, *object);
    object->value = std::make_shared<const Json>(std::move(value));
    if (!object->name.empty()) out.push_back(std::move(object));
  }

 private:
  void report_no_kind(const Json& value, const Object& object) const {
    const Report report = object.report_to(problems_);
    const Place place(report);
    if (!value.is_object())
      return place.error("expected a resource: a map with apiVersion, kind and metadata");
    for (const std::string_view field : {"apiVersion", "kind"})
      if (raw_text(value, field).empty()) return Place(place, field).error("required, but missing");
    report_unknown_kind(raw_text(value, "apiVersion"), raw_text(value, "kind"), place);
  }

  void finish(Json& value, Object& object) const {
    const Report report = object.report_to(problems_);
    object.valid = validate(object.kind->schema, value, Place(report));
    if (!object.valid) return;
    if (!object.kind->inherited) fill_defaults(object.kind->schema, value);
    take_metadata(value, object);
  }

  void read_list(Json value, const Object& list, Objects& out) const {
    const Report report = list.report_to(problems_);
    const auto it = value.find("items");
    if (it == value.end() || !it->is_array())
      return Place(Place(report), "items").error("expected a list of resources");
    const std::uint64_t parent = place_of(list.root, "items");
    for (std::size_t i = 0; i < it->size(); ++i) {
      const std::uint64_t root = place_of(parent, i);
      if (raw_text((*it)[i], "kind") == "List") {
        Place(Place(Place(report), "items"), i)
            .error("expected a resource, not a List within a List");
        continue;
      }
      const int line = lines_->find(root);
      read(std::move((*it)[i]), root, line ? line : list.line - first_line_ + 1, out);
    }
  }

  std::shared_ptr<const Lines> lines_;
  std::shared_ptr<const std::string> file_;
  int first_line_;
  Problems& problems_;
};

std::string where(const Object& object) {
  return object.file ? fmt::format("{}:{}", *object.file, object.line) : std::string("elsewhere");
}

}  // namespace

Objects read_document(Document document, const std::shared_ptr<const std::string>& file,
                      Problems& problems) {
  Objects out;
  const Reader reader(document, file, problems);
  reader.read(std::move(document.value), kRootPlace, document.line, out);
  return out;
}

void drop_duplicates(Objects& objects, Problems& problems) {
  std::unordered_map<std::string_view, const Object*, StringHash> seen;
  seen.reserve(objects.size());
  Objects kept;
  kept.reserve(objects.size());
  for (auto& object : objects) {
    const auto [it, fresh] = seen.emplace(object->label, object.get());
    if (fresh) {
      kept.push_back(std::move(object));
      continue;
    }
    const Report report = object->report_to(problems);
    Place(report).error(fmt::format(
        "expected one object of this kind and name; it also stands in {}", where(*it->second)));
  }
  objects = std::move(kept);
}

}  // namespace headgate::config
