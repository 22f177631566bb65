#include "roles/proxy/cache/explain.h"

#include <fmt/format.h>

#include <array>
#include <nlohmann/json.hpp>

#include "base/ascii.h"
#include "decide/cache/reuse.h"
#include "decide/cache/tags.h"
#include "decide/cache/vary.h"
#include "decide/route/match.h"
#include "roles/proxy/cache/cached_record.h"
#include "roles/proxy/cache/labels.h"
#include "roles/proxy/cache/recent_refusals.h"
#include "roles/proxy/cache/stored_head.h"
#include "roles/proxy/cache/worker_cache.h"
#include "wire/http/authority.h"

namespace headgate::proxy {
namespace {

namespace http = wire::http;
namespace rules = decide::cache;
using Json = nlohmann::ordered_json;
using rules::Use;

std::string_view to_string(Use use) {
  switch (use) {
    case Use::kHit: return "answered from the cache";
    case Use::kStaleWhileRevalidate: return "answered from the cache, and validated beside";
    case Use::kValidate: return "sent to the origin, to validate what is stored";
    case Use::kFetch: return "sent to the origin";
    case Use::kGatewayTimeout: return "answered with 504";
    case Use::kBypass: return "sent to the origin, past the cache";
  }
  return {};
}

Json reason_of(rules::Reason reason) {
  return {{"reason", rules::token_of(reason)}, {"rule", rules::rule_of(reason)}};
}

class Explanation {
 public:
  Explanation(const CacheQuestion& question, ObjectCache& cache, Instant now, WallTime wall)
      : question_(question), cache_(cache), now_(now), wall_(wall) {}

  Status read_question() {
    const auto url = read_url(question_.url, path_);
    if (!url) return std::unexpected(url.error());
    url_ = *url;
    host_ = http::lower_host(url_.host, host_text_);
    append_origin(text_, url_);
    text_ += url_.path;
    if (url_.query.is_there) text_.append("?").append(url_.query.text);
    head_.method_text = question_.method;
    head_.method = http::parse_method(question_.method);
    head_.scheme = url_.scheme;
    head_.host = host_;
    head_.target = std::string_view(text_).substr(text_.find('/', text_.find("://") + 3));
    head_.fields = question_.fields;
    out_ = {{"url", text_}, {"method", question_.method}};
    return {};
  }

  void explain(const model::Snapshot& snapshot) {
    const model::Rule* rule = find_rule(snapshot);
    if (!rule) return conclude("no route of this edge takes it");
    out_["route"] = rule->route;
    out_["ruleName"] = rule->name;
    out_["policy"] = rule->cache ? Json(rule->cache->name) : Json();
    if (!rule->cache)
      return conclude("nothing is cached: no CachePolicy is attached to the route or its Gateway");
    url_.scope = rule->cache_scope;
    look_up(*rule);
  }

  std::string json() const {
    return out_.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
  }

 private:
  // A proxy in front says itself whether its client has TLS.
  static bool serves(const model::Port& port, bool is_secure) {
    using model::PortProtocol;
    if (port.protocol != PortProtocol::kHttp && port.protocol != PortProtocol::kHttps) return false;
    return is_secure == (port.protocol == PortProtocol::kHttps) ||
           !port.settings.trusted_proxies.empty();
  }

  // On the URL's own port; where no listener has it, as behind a port that is mapped, on any.
  const model::Rule* find_rule(const model::Snapshot& snapshot) const {
    const bool is_secure = equals_ignore_case(url_.scheme, "https");
    const std::uint16_t wanted = url_.port.value_or(is_secure ? 443 : 80);
    const model::Rule* elsewhere = nullptr;
    for (const model::Port& port : snapshot.ports) {
      if (!serves(port, is_secure)) continue;
      const model::Rule* rule = find_rule(port);
      if (rule && port.port == wanted) return rule;
      if (!elsewhere) elsewhere = rule;
    }
    return elsewhere;
  }

  const model::Rule* find_rule(const model::Port& port) const {
    const model::Listener* listener = decide::route::select_listener(port, host_);
    if (!listener) return nullptr;
    const auto matched = decide::route::match(
        listener->routes, {host_, url_.path, url_.query.text, question_.method, question_.fields});
    return matched ? matched->candidate->rule.get() : nullptr;
  }

  void look_up(const model::Rule& rule) {
    const model::CachePolicy& policy = *rule.cache;
    const rules::RequestFacts facts = rules::read_request(head_, policy);
    rules::KeyBuilder keys(cache_.key_secret());
    const rules::CacheKey key = keys.build(url_, question_.fields, policy);
    std::string shown;
    if (const auto view = rules::read_key(key.bytes)) rules::append_key_text(shown, *view);
    out_["key"] = shown;
    store::memory::Reader reader(cache_.memory());
    const auto view = reader.find(store_key(key), now_);
    const auto chosen = select(view);
    out_["variants"] = Json::array();
    for (std::size_t i = 0; i < view.size(); ++i)
      out_["variants"].push_back(variant(view, i, chosen == i, policy));
    if (const auto refusal = cache_.refusals().find(key.hash)) {
      out_["notKept"] = reason_of(refusal->reason);
      out_["notKept"]["secondsAgo"] = std::max<std::int64_t>(wall_.seconds() - refusal->time_s, 0);
    }
    conclude(verdict(view, chosen, facts, policy));
  }

  rules::Reuse verdict(const store::memory::View& view, std::optional<std::size_t> chosen,
                       const rules::RequestFacts& facts, const model::CachePolicy& policy) {
    if (const auto bypass = rules::bypass_reason(head_, facts, policy))
      return rules::decide_bypass(*bypass);
    if (!chosen) return rules::decide_miss(facts, !view.empty());
    return rules::decide_reuse(view[*chosen].metadata_as<CachedRecord>().response,
                               mark_of(view, *chosen), facts, policy, wall_);
  }

  std::optional<std::size_t> select(const store::memory::View& view) {
    std::array<rules::Variant, store::memory::kVariantsMax> variants;
    for (std::size_t i = 0; i < view.size(); ++i)
      variants[i] = {view[i].selector(), view[i].metadata_as<CachedRecord>().response.date_s};
    return rules::select_variant({variants.data(), view.size()}, question_.fields, scratch_);
  }

  rules::Mark mark_of(const store::memory::View& view, std::size_t at) const {
    if (!view.stale(at)) return {};
    const WallTime received{view[at].metadata_as<CachedRecord>().response.response_time_ns};
    return {rules::Mark::Kind::kStale,
            cache_.purges().soft_purged_since(received).value_or(received)};
  }

  Json variant(const store::memory::View& view, std::size_t at, bool is_selected,
               const model::CachePolicy& policy) const {
    const store::memory::Object& object = view[at];
    const auto [stored, born, series] = object.metadata_as<CachedRecord>();
    const rules::Freshness freshness =
        rules::marked(rules::freshness_of(stored, policy, wall_), mark_of(view, at), wall_);
    Json out = {{"selected", is_selected},
                {"status", stored.status},
                {"age", freshness.age_s()},
                {"ttl", freshness.ttl_s()},
                {"bytes", series == 0 ? object.body()->length() : stored.complete_length},
                {"complete", object.body()->state() == store::memory::BodyState::kComplete},
                {"softlyPurged", view.stale(at)}};
    http::Fields fields;
    if (!read_stored_head(object.head(), fields)) return out;
    if (const http::Field* vary = http::find(fields, http::FieldId::kVary))
      out["vary"] = vary->value;
    out["tags"] = Json::array();
    rules::for_each_tag(fields, policy.tag_headers,
                        [&](std::string_view tag) { out["tags"].push_back(tag); });
    return out;
  }

  void conclude(std::string_view why) { out_["verdict"] = {{"text", why}}; }
  void conclude(const rules::Reuse& reuse) {
    out_["verdict"] = {{"text", to_string(reuse.use)}};
    out_["verdict"].update(reason_of(reuse.reason));
  }

  const CacheQuestion& question_;
  ObjectCache& cache_;
  const Instant now_;
  const WallTime wall_;
  rules::KeyInput url_;
  std::string path_, host_text_, text_, scratch_;
  std::string_view host_;
  http::RequestHead head_;
  Json out_;
};

}  // namespace

Result<std::string> explain(const CacheQuestion& question, const model::Snapshot& snapshot,
                            ObjectCache& cache, Instant now, WallTime wall) {
  Explanation explanation(question, cache, now, wall);
  if (const Status good = explanation.read_question(); !good) return std::unexpected(good.error());
  explanation.explain(snapshot);
  return explanation.json();
}

}  // namespace headgate::proxy
