#include "config/compile/cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "base/ascii.h"
#include "config/compile/sha256.h"
#include "config/value.h"

namespace headgate::config {
namespace {

// Texts one after the other, each with its length, so that no two lists are alike.
class Digest {
 public:
  void add(std::string_view text) { bytes_ += fmt::format("{}:{}", text.size(), text); }
  void add_json(const Json& value) {
    add(value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }

  // The first eight bytes of SHA-256: tenants write what goes in, and must not meet each other.
  std::uint64_t value() const {
    const std::string out = sha256(bytes_);
    std::uint64_t word = 0;
    for (int i = 0; i < 8; ++i) word = word << 8 | static_cast<unsigned char>(out[i]);
    return word;
  }

 private:
  std::string bytes_;
};

std::uint32_t seconds_of(const Json& object, std::string_view name) {
  return static_cast<std::uint32_t>(
      std::chrono::duration_cast<std::chrono::seconds>(duration_of(object, name)).count());
}

std::optional<std::uint32_t> seconds_if_any(const Json& object, std::string_view name) {
  if (!find(object, name)) return std::nullopt;
  return seconds_of(object, name);
}

model::CacheKeyPolicy key_of(const Json& value) {
  using Query = model::CacheKeyPolicy::Query;
  const Json& query = at(value, "query");
  const std::string_view mode = text_of(query, "mode");
  model::CacheKeyPolicy out;
  out.query = mode == "None"     ? Query::kNone
              : mode == "Only"   ? Query::kOnly
              : mode == "Except" ? Query::kExcept
                                 : Query::kAll;
  out.query_names = texts_of(query, "names");
  out.query_sorted = boolean_of(query, "sorted");
  out.headers = lower_texts_of(value, "headers");
  out.cookies = texts_of(value, "cookies");
  out.device_class = boolean_of(value, "deviceClass");
  return out;
}

model::CacheTtlPolicy ttl_of(const Json& value) {
  model::CacheTtlPolicy out;
  out.seconds_min = seconds_of(value, "min");
  if (find(value, "max")) out.seconds_max = seconds_of(value, "max");
  for (const Json& row : items(value, "byStatus"))
    out.by_status.push_back({whole_of<std::uint16_t>(row, "status"), seconds_of(row, "ttl")});
  out.otherwise = seconds_if_any(value, "default");
  out.heuristic_permille =
      static_cast<std::uint32_t>(std::lround(number_of(value, "heuristicPercent") * 10));
  out.heuristic_seconds_max = seconds_of(value, "heuristicMax");
  out.stale_while_revalidate = seconds_if_any(value, "staleWhileRevalidate");
  out.stale_if_error = seconds_if_any(value, "staleIfError");
  out.stale_despite_s_maxage = boolean_of(value, "staleDespiteSMaxage");
  return out;
}

model::CacheBypass bypass_of(const Json& value) {
  model::CacheBypass out;
  for (const Json& header : items(value, "headers")) {
    model::CacheBypass::Header one{to_lower(text_of(header, "name")), std::nullopt};
    if (find(header, "value")) one.value = text_of(header, "value");
    out.headers.push_back(std::move(one));
  }
  out.cookies = texts_of(value, "cookies");
  out.query = texts_of(value, "query");
  return out;
}

std::optional<model::CacheShield> shield_of(const Context& context, const Upstreams& upstreams,
                                            const Object& object) {
  const Json* shield = find(object.spec(), "shield");
  if (!shield) return std::nullopt;
  const Report report = object.report_to(context.out.problems);
  const Place root(report), spec(root, "spec"), place(spec, "shield"), here(place, "upstream");
  const Json& reference = at(*shield, "upstream");
  const auto found = upstreams.find(object, reference);
  if (found.index == model::Backend::kInvalid) {
    context.fault(Place(here, "name"), found.fault);
    return std::nullopt;
  }
  return model::CacheShield{found.index, upstreams.all[found.index]->name,
                            std::string(text_of(*shield, "pseudonym"))};
}

// What is stored under another fingerprint is not found any more. Lifetimes are worked out when an
// entry is looked up, so they are no part of it; that a status is kept at all is decided when it is
// stored.
std::uint64_t fingerprint_of(const Json& spec) {
  Digest digest;
  for (const std::string_view field :
       {"key", "bypass", "honourRequestDirectives", "targetedFields", "surrogateControl",
        "setCookie", "heuristicsWithCookies", "tagHeaders"}) {
    digest.add(field);
    if (const Json* value = find(spec, field)) digest.add_json(*value);
  }
  for (const Json& row : items(at(spec, "ttl"), "byStatus")) digest.add_json(at(row, "status"));
  return digest.value();
}

// Filters that change what the origin is asked.
void add_filters(Digest& digest, const Json& filters) {
  for (const Json& filter : filters)
    for (const std::string_view field : {"requestHeaderModifier", "urlRewrite"})
      if (const Json* value = find(filter, field)) {
        digest.add(field);
        digest.add_json(*value);
      }
  digest.add("end");
}

bool replaces_prefix(const Json& filters) {
  return std::any_of(filters.begin(), filters.end(), [](const Json& filter) {
    return find(at(at(filter, "urlRewrite"), "path"), "replacePrefixMatch") != nullptr;
  });
}

}  // namespace

std::shared_ptr<const model::CachePolicy> cache_policy_of(const Context& context,
                                                          const Upstreams& upstreams,
                                                          const Object& object) {
  using SetCookie = model::CachePolicy::SetCookie;
  using Admission = model::CachePolicy::Admission;
  const Json& spec = object.spec();
  if (!boolean_of(spec, "enabled")) return nullptr;
  auto out = std::make_shared<model::CachePolicy>();
  out->name = object.key();
  out->fingerprint = fingerprint_of(spec);
  out->key = key_of(at(spec, "key"));
  out->ttl = ttl_of(at(spec, "ttl"));
  out->bypass = bypass_of(at(spec, "bypass"));
  out->honour_request_directives = boolean_of(spec, "honourRequestDirectives");
  out->targeted_fields = lower_texts_of(spec, "targetedFields");
  out->surrogate_control = boolean_of(spec, "surrogateControl");
  const std::string_view cookie = text_of(spec, "setCookie");
  out->set_cookie = cookie == "Strip"  ? SetCookie::kStrip
                    : cookie == "Keep" ? SetCookie::kKeep
                                       : SetCookie::kRefuse;
  out->heuristics_with_cookies = boolean_of(spec, "heuristicsWithCookies");
  out->tag_headers = lower_texts_of(spec, "tagHeaders");
  out->object_bytes_max = whole_of<std::uint64_t>(spec, "maxObjectBytes");
  out->admission = text_of(spec, "admission") == "SecondRequest" ? Admission::kSecondRequest
                                                                 : Admission::kAlways;
  out->key_in_cache_status = boolean_of(spec, "keyInCacheStatus");
  out->shield = shield_of(context, upstreams, object);
  return out;
}

std::uint64_t cache_scope_of(const Object& route, const Json& rule) {
  Digest digest;
  digest.add(route.name_space);
  add_filters(digest, items(rule, "filters"));
  bool by_prefix = replaces_prefix(items(rule, "filters"));
  for (const Json& backend : items(rule, "backendRefs")) {
    digest.add(text_of(backend, "namespace", route.name_space));
    digest.add(text_of(backend, "name"));
    add_filters(digest, items(backend, "filters"));
    by_prefix |= replaces_prefix(items(backend, "filters"));
  }
  // Where a prefix is replaced, the one that matched decides what is left of the path.
  if (by_prefix)
    for (const Json& match : items(rule, "matches"))
      digest.add_json(at(at(match, "path"), "value"));
  return digest.value();
}

}  // namespace headgate::config
