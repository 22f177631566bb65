#include "roles/proxy/cache/purge_order.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "roles/proxy/cache/labels.h"
#include "store/memory/limits.h"

namespace headgate::proxy {
namespace {

using Json = nlohmann::json;
using store::memory::Purge;

constexpr std::string_view kFields[] = {"url",       "prefix",     "host", "tag",
                                        "namespace", "everything", "soft", "id"};

std::unexpected<Error> refuse(std::string message) {
  return fail(Code::kInvalid, std::move(message), Source::kClient);
}

// None: it is no JSON object, or a name stands in it twice.
std::optional<Json> read_object(std::string_view text) {
  std::vector<std::string> names;
  bool is_good = true;
  const auto watch = [&](int depth, Json::parse_event_t event, Json& parsed) {
    if (event == Json::parse_event_t::key && depth == 1) {
      const auto& name = parsed.get_ref<const std::string&>();
      is_good = is_good && std::find(names.begin(), names.end(), name) == names.end();
      names.push_back(name);
    }
    return is_good;
  };
  Json out = Json::parse(text, watch, false);
  if (!is_good || !out.is_object()) return std::nullopt;
  return out;
}

Status check_names(const Json& object) {
  for (const auto& [name, value] : object.items()) {
    if (std::find(std::begin(kFields), std::end(kFields), name) != std::end(kFields)) continue;
    const auto nearest = nearest_name(name, std::data(kFields), std::size(kFields));
    return refuse(fmt::format("unknown field '{}'{}", name,
                              nearest ? fmt::format("; did you mean '{}'?", *nearest) : ""));
  }
  return {};
}

// Absent is empty.
Result<std::string> text_of(const Json& object, std::string_view name) {
  const auto at = object.find(name);
  if (at == object.end()) return std::string();
  if (!at->is_string() || at->get_ref<const std::string&>().empty())
    return refuse(fmt::format("{}: a text is expected", name));
  return at->get<std::string>();
}

Result<bool> flag_of(const Json& object, std::string_view name) {
  const auto at = object.find(name);
  if (at == object.end()) return false;
  if (!at->is_boolean()) return refuse(fmt::format("{}: true or false is expected", name));
  return at->get<bool>();
}

Result<PurgeScope> scope_of(const Json& object) {
  constexpr PurgeScope kNamed[] = {PurgeScope::kUrl, PurgeScope::kPrefix, PurgeScope::kHost,
                                   PurgeScope::kTag, PurgeScope::kEverything};
  std::optional<PurgeScope> scope;
  for (const PurgeScope one : kNamed) {
    if (!object.contains(to_string(one))) continue;
    if (scope)
      return refuse(fmt::format("'{}' and '{}' are two orders: give one of them", to_string(*scope),
                                to_string(one)));
    scope = one;
  }
  const bool has_namespace = object.contains("namespace");
  if (scope == PurgeScope::kTag && !has_namespace)
    return refuse("tag: the namespace whose routes stored it is missing");
  if (scope && scope != PurgeScope::kTag && has_namespace)
    return refuse(
        fmt::format("namespace: goes with a tag or alone, not with '{}'", to_string(*scope)));
  if (scope) return *scope;
  if (has_namespace) return PurgeScope::kNamespace;
  return refuse("nothing is named: one of url, prefix, host, tag, namespace, everything is needed");
}

Result<std::string> canonical_url(const std::string& text) {
  std::string path, out;
  const auto url = read_url(text, path);
  if (!url) return std::unexpected(url.error());
  decide::cache::append_origin(out, *url);
  out += url->path;
  if (url->query.is_there) out.append("?").append(url->query.text);
  return out;
}

Result<std::string> canonical_value(PurgeScope scope, const std::string& text) {
  if (scope == PurgeScope::kUrl) return canonical_url(text);
  if (scope == PurgeScope::kHost) return canonical_host(text);
  if (scope == PurgeScope::kTag) {
    const Status good = check_tag(text);
    return good ? Result<std::string>(text) : std::unexpected(good.error());
  }
  Result<std::string> prefix = canonical_prefix(text);
  if (prefix && prefix->size() > store::memory::kPrefixBytesMax)
    return refuse(fmt::format("longer than {} bytes", store::memory::kPrefixBytesMax));
  return prefix;
}

Result<PurgeOrder> order_of(const Json& object) {
  PurgeOrder out;
  const auto scope = scope_of(object);
  if (!scope) return std::unexpected(scope.error());
  out.scope = *scope;
  const auto soft = flag_of(object, "soft");
  if (!soft) return std::unexpected(soft.error());
  out.how = *soft ? Purge::kSoft : Purge::kHard;
  auto name = text_of(object, "namespace");
  if (!name) return std::unexpected(name.error());
  if (object.contains("namespace"))
    if (const Status good = check_namespace(*name); !good)
      return refuse("namespace: " + good.error().message);
  out.name_space = std::move(*name);
  if (out.scope == PurgeScope::kNamespace) return out;
  if (out.scope == PurgeScope::kEverything) {
    const auto all = flag_of(object, "everything");
    if (!all || !*all) return refuse("everything: true is expected");
    return out;
  }
  const auto text = text_of(object, to_string(out.scope));
  if (!text) return std::unexpected(text.error());
  auto value = canonical_value(out.scope, *text);
  if (!value) return refuse(fmt::format("{}: {}", to_string(out.scope), value.error().message));
  out.value = std::move(*value);
  return out;
}

std::vector<std::string> labels_of_url(std::string_view text,
                                       std::span<const model::CacheKeyPolicy* const> keys) {
  std::vector<std::string> out;
  std::string path, storage;
  decide::cache::QueryScratch scratch;
  const auto url = read_url(text, path);
  if (!url) return out;
  const auto add = [&](decide::cache::Query query) {
    decide::cache::KeyInput as_keyed = *url;
    as_keyed.query = query;
    std::string label;
    append_url_label(label, as_keyed);
    if (out.size() <= kUrlLabelsMax && std::find(out.begin(), out.end(), label) == out.end())
      out.push_back(std::move(label));
  };
  add(url->query);
  for (const model::CacheKeyPolicy* key : keys)
    add(decide::cache::keyed_query(url->query, *key, scratch, storage));
  if (out.size() <= kUrlLabelsMax) return out;
  out.resize(1);
  out[0].clear();
  append_host_label(out[0], url->host);
  return out;
}

}  // namespace

std::string_view to_string(PurgeScope scope) {
  switch (scope) {
    case PurgeScope::kUrl: return "url";
    case PurgeScope::kPrefix: return "prefix";
    case PurgeScope::kHost: return "host";
    case PurgeScope::kTag: return "tag";
    case PurgeScope::kNamespace: return "namespace";
    case PurgeScope::kEverything: return "everything";
  }
  return {};
}

Result<PurgeRequest> read_purge(std::string_view json) {
  if (json.size() > kPurgeTextMax)
    return refuse(fmt::format("an order has at most {} bytes", kPurgeTextMax));
  const auto object = read_object(json);
  if (!object) return refuse("a JSON object is expected, with each name once");
  if (const Status known = check_names(*object); !known) return std::unexpected(known.error());
  auto order = order_of(*object);
  if (!order) return std::unexpected(order.error());
  PurgeRequest out{std::move(*order), std::nullopt};
  if (const auto id = object->find("id"); id != object->end()) {
    if (!id->is_number_unsigned() || id->get<std::uint64_t>() == 0)
      return refuse("id: a number from 1 is expected");
    out.id = id->get<std::uint64_t>();
  }
  return out;
}

std::string to_json(const PurgeOrder& order, std::string_view more) {
  const auto quoted = [](const std::string& text) {
    return Json(text).dump(-1, ' ', false, Json::error_handler_t::replace);
  };
  std::string out = fmt::format("{{{}{}", more, more.empty() ? "" : ",");
  if (order.scope == PurgeScope::kEverything) out += R"("everything":true)";
  if (!order.value.empty())
    out += fmt::format("\"{}\":{}", to_string(order.scope), quoted(order.value));
  if (order.scope == PurgeScope::kTag) out += ',';
  if (!order.name_space.empty()) out += "\"namespace\":" + quoted(order.name_space);
  return out + fmt::format(",\"soft\":{}}}", order.how == Purge::kSoft);
}

std::string in_words(const PurgeOrder& order) {
  switch (order.scope) {
    case PurgeScope::kUrl: return order.value;
    case PurgeScope::kPrefix: return "everything that begins with " + order.value;
    case PurgeScope::kHost: return "everything of host " + order.value;
    case PurgeScope::kTag:
      return fmt::format("tag '{}' of namespace {}", order.value, order.name_space);
    case PurgeScope::kNamespace: return "everything of namespace " + order.name_space;
    case PurgeScope::kEverything: return "everything";
  }
  return {};
}

std::vector<std::string> labels_of(const PurgeOrder& order,
                                   std::span<const model::CacheKeyPolicy* const> keys) {
  std::string label;
  switch (order.scope) {
    case PurgeScope::kUrl: return labels_of_url(order.value, keys);
    case PurgeScope::kHost: append_host_label(label, order.value); break;
    case PurgeScope::kTag: append_tag_label(label, order.name_space, order.value); break;
    case PurgeScope::kNamespace: append_namespace_label(label, order.name_space); break;
    case PurgeScope::kPrefix:
    case PurgeScope::kEverything: return {};
  }
  return {label};
}

}  // namespace headgate::proxy
