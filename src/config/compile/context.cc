#include "config/compile/context.h"

#include <fmt/format.h>

#include <algorithm>
#include <tuple>

#include "base/ascii.h"
#include "config/value.h"

namespace headgate::config {
namespace {

bool older(const Object* a, const Object* b) {
  return std::tie(a->created_at, a->name_space, a->name) <
         std::tie(b->created_at, b->name_space, b->name);
}

bool expression_holds(const Json& expression, std::string_view name_space, const Json& labels) {
  const std::string_view key = text_of(expression, "key"), how = text_of(expression, "operator");
  const bool own_name = key == "kubernetes.io/metadata.name";
  const bool there = own_name || find(labels, key);
  if (how == "Exists") return there;
  if (how == "DoesNotExist") return !there;
  const std::string_view value = own_name ? name_space : text_of(labels, key);
  const Json& values = items(expression, "values");
  const bool listed = there && std::find(values.begin(), values.end(), value) != values.end();
  return how == "In" ? listed : !listed;
}

}  // namespace

Context::Context(const Objects& objects, const CompileOptions& compile_options, Compiled& compiled)
    : options(compile_options), out(compiled) {
  by_label_.reserve(objects.size());
  for (const auto& object : objects) {
    by_label_.emplace(object->label, object.get());
    if (object->valid) by_kind_[std::string(object->kind->name)].push_back(object.get());
  }
  for (auto& [kind, list] : by_kind_) std::sort(list.begin(), list.end(), older);
  for (const Object* grant : of("ReferenceGrant")) grants_[grant->name_space].push_back(grant);
}

const std::vector<const Object*>& Context::of(std::string_view kind) const {
  static const std::vector<const Object*> none;
  const auto it = by_kind_.find(kind);
  return it == by_kind_.end() ? none : it->second;
}

const Object* Context::find_object(std::string_view kind, std::string_view name_space,
                                   std::string_view name) const {
  const auto it =
      by_label_.find(name_space.empty() ? fmt::format("{} {}", kind, name)
                                        : fmt::format("{} {}/{}", kind, name_space, name));
  return it == by_label_.end() ? nullptr : it->second;
}

std::string Context::nearest(std::string_view kind, std::string_view name_space,
                             std::string_view name) const {
  if (++suggestions_ > kSuggestionsMax) return {};
  std::vector<std::string_view> names;
  // Also those with mistakes of their own: they are what the reference means all the same.
  for (const auto& [label, object] : by_label_)
    if (object->kind->name == kind && object->name_space == name_space)
      names.push_back(object->name);
  std::sort(names.begin(), names.end());
  return std::string(nearest_name(name, names.data(), names.size()).value_or(""));
}

bool Context::granted(const Object& from, std::string_view group, std::string_view kind,
                      std::string_view name_space, std::string_view name) const {
  if (from.name_space == name_space) return true;
  const auto it = grants_.find(name_space);
  if (it == grants_.end()) return false;
  const auto lets_from = [&](const Json& entry) {
    return text_of(entry, "group") == from.kind->group &&
           text_of(entry, "kind") == from.kind->name &&
           text_of(entry, "namespace") == from.name_space;
  };
  const auto lets_to = [&](const Json& entry) {
    return text_of(entry, "group") == group && text_of(entry, "kind") == kind &&
           text_of(entry, "name", name) == name;
  };
  return std::any_of(it->second.begin(), it->second.end(), [&](const Object* grant) {
    const Json& froms = items(grant->spec(), "from");
    const Json& tos = items(grant->spec(), "to");
    return std::any_of(froms.begin(), froms.end(), lets_from) &&
           std::any_of(tos.begin(), tos.end(), lets_to);
  });
}

Resolved Context::resolve(const Object& from, std::string_view group, std::string_view kind,
                          const Json& reference) const {
  const std::string_view name = text_of(reference, "name");
  const std::string_view name_space = text_of(reference, "namespace", from.name_space);
  // A missing grant is told first: whether the object exists is not the referrer's to know.
  if (!granted(from, group, kind, name_space, name))
    return {nullptr,
            {"RefNotPermitted",
             fmt::format("expected a ReferenceGrant in namespace '{}' that lets {} of namespace "
                         "'{}' refer to {} '{}'",
                         name_space, from.kind->name, from.name_space, kind, name),
             {}}};
  const Object* object = find_object(kind, name_space, name);
  if (!object)
    return {nullptr,
            {"BackendNotFound",
             fmt::format("'{}' is not {} in namespace '{}'", name, with_article(kind), name_space),
             nearest(kind, name_space, name)}};
  if (!object->valid)
    return {nullptr, {"Invalid", fmt::format("{} is not valid", object->label), {}, true}};
  return {object, {}};
}

bool Context::namespace_matches(std::string_view name_space, const Json& selector) const {
  const Object* object = find_object("Namespace", {}, name_space);
  const Json& labels =
      object && object->valid ? at(at(*object->value, "metadata"), "labels") : at(Json(), "");
  for (const auto& [key, value] : at(selector, "matchLabels").items()) {
    const bool own_name = key == "kubernetes.io/metadata.name";
    if (own_name
            ? value != name_space
            : text_of(labels, key) != value.get_ref<const std::string&>() || !find(labels, key))
      return false;
  }
  const Json& expressions = items(selector, "matchExpressions");
  return std::all_of(expressions.begin(), expressions.end(),
                     [&](const Json& one) { return expression_holds(one, name_space, labels); });
}

void Context::fault(const Place& place, const Fault& why) const {
  if (!why.silent) fault(place, why.message, why.suggestion);
}
void Context::fault(const Place& place, std::string message, std::string_view suggestion) const {
  if (!options.lenient_references) return place.error(std::move(message), suggestion);
  place.warning(suggestion.empty() ? std::move(message)
                                   : fmt::format("{}; did you mean '{}'?", message, suggestion));
}

}  // namespace headgate::config
