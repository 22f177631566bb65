// The life of a request up to the first attempt, from top to bottom. Each stage decides by one call into decide/ and either
// lets the next one run, has answered, or waits for something that calls run_stages() again.
// Stage names appear in logs and traces.
#include "base/ascii.h"
#include "decide/route/cors.h"
#include "decide/route/match.h"
#include "decide/route/rewrite.h"
#include "roles/proxy/exchange.h"
#include "roles/proxy/rate_limiter.h"
#include "wire/http/authority.h"

namespace headgate::proxy {

namespace http = wire::http;

const Exchange::Stage Exchange::kStages[] = {
    {"normalise", &Exchange::normalise},             // one canonical path and host for everything below
    {"identify", &Exchange::identify},               // who the client is, by trust
    {"select_listener", &Exchange::select_listener}, // the authority must belong to the listener: 421
    {"route", &Exchange::route},                     // the rule, its policies and time-outs: 404
    {"upgrade", &Exchange::check_upgrade},           // what may become a tunnel
    {"preflight", &Exchange::answer_preflight},      // CORS, before access: a preflight carries no credentials
    {"access", &Exchange::check_access},             // 401, 403
    {"limit", &Exchange::limit},                     // 429
    {"redirect", &Exchange::redirect},               // 30x
    {"pick", &Exchange::pick_backend},               // which upstream: 500 when it cannot be resolved
    {"cache", &Exchange::look_up},                   // served from what is stored, or waits for it
    {"forward", &Exchange::forward},                 // from here on the attempts call
    {nullptr, nullptr},
};

Exchange::Verdict Exchange::normalise() {
  // HTTP/1.0 may come without Host: it gets the routes that are for every host.
  if (!head_.host.empty()) {
    host_ = http::lower_host(head_.host, host_text_);
  } else if (head_.version != http::Version::k10 || !head_.authority.empty()) {
    const auto authority = http::parse_authority(head_.authority);
    if (!authority) {
      close_after_ = true;
      worker_.stats.bad_requests.add();
      return answer(400, "bad_authority", Source::kClient);
    }
    host_ = http::lower_host(authority->host, host_text_);
  }
  if (head_.method == http::Method::kConnect && head_.target.empty()) {
    return answer(405, "connect_refused", Source::kClient, "CONNECT to an authority is not served here");
  }
  const auto path = wire::uri::normalise(head_.target, {}, path_text_);
  if (!path) {
    worker_.stats.bad_requests.add();
    return answer(path.error().status, "bad_target", Source::kClient, std::string(path.error().reason));
  }
  path_ = *path;
  return Verdict::kNext;
}

Exchange::Verdict Exchange::select_listener() {
  listener_ = decide::route::select_listener(*port_, host_);
  if (facts_->tls && (!listener_ || listener_->hostname != facts_->tls_hostname)) {
    worker_.stats.misdirected.add();
    return answer(421, "misdirected", Source::kClient, "the authority is not one of the listener that TLS chose");
  }
  if (listener_) return Verdict::kNext;
  worker_.stats.no_route.add();
  return answer(404, "no_listener", Source::kClient);
}

Exchange::Verdict Exchange::route() {
  const auto matched =
      decide::route::match(listener_->routes, {host_, path_.path, path_.query, head_.method_text, head_.fields});
  if (!matched) {
    worker_.stats.no_route.add();
    return answer(404, "no_route", Source::kClient);
  }
  rule_ = matched->candidate->rule.get();
  prefix_bytes_ = matched->prefix_bytes;
  rule_stats_ = world_->rules[rule_->id];
  if (rule_->traffic) traffic_ = rule_->traffic.get();
  if (traffic_->timeouts.request > Duration::zero()) worker_.loop.arm(total_timer_, traffic_->timeouts.request);
  const std::uint64_t limit = traffic_->request_body_bytes_max;
  if (limit == 0 || !head_.framing.has_length || head_.framing.length <= limit) return Verdict::kNext;
  close_after_ = true;
  return answer(413, "request_too_large", Source::kClient);
}

// Upgrade is end-to-end only for what is listed here; any other token is ignored, as RFC 9110 §7.8 allows.
Exchange::Verdict Exchange::check_upgrade() {
  if (head_.protocol.empty()) return Verdict::kNext;
  const bool websocket = equals_ignore_case(head_.protocol, "websocket");
  if (websocket && traffic_->websocket) return Verdict::kNext;
  if (head_.version == http::Version::k2) {
    return answer(501, "upgrade_refused", Source::kClient, "extended CONNECT for another protocol than websocket");
  }
  if (websocket) return answer(403, "upgrade_refused", Source::kClient, "WebSocket is off for this route");
  head_.protocol = {};
  return Verdict::kNext;
}

Exchange::Verdict Exchange::check_access() {
  if (rule_->access.empty()) return Verdict::kNext;
  if (!access_) access_ = std::make_unique<AccessCheck>(worker_, *this);
  const AccessCheck::Result result = access_->run(rule_->access);
  switch (result.kind) {
    case AccessCheck::Result::kAllowed: return Verdict::kNext;
    case AccessCheck::Result::kWaiting: return Verdict::kWait;
    case AccessCheck::Result::kDenied: break;
  }
  rule_stats_->denied.add();
  return answer(result.status, "denied", Source::kClient, result.reason);
}

Exchange::Verdict Exchange::limit() {
  for (const auto& rate_limit : rule_->rate_limits) {
    const Prepared& prepared = *world_->prepared;
    auto& table = *prepared.rate_tables.at(rate_limit.get());
    const auto taken = prepared.limiter->take(table, *rate_limit, *this, worker_.loop.now());
    if (taken.allowed) continue;
    rule_stats_->rate_limited.add();
    response_fields_.clear();
    const auto seconds = static_cast<std::uint64_t>(decide::limit::retry_after_seconds(taken.wait));
    response_fields_.push_back({"retry-after", arena_.decimal(seconds), http::FieldId::kRetryAfter});
    answer_extra_ = true;
    return answer(rate_limit->status, "rate_limited", Source::kClient, rate_limit->name);
  }
  return Verdict::kNext;
}

Exchange::Verdict Exchange::answer_preflight() {
  if (!rule_->filters.cors) return Verdict::kNext;
  const auto fields = decide::route::preflight(*rule_->filters.cors, head_.method_text, head_.fields);
  if (!fields) return Verdict::kNext;
  response_fields_.clear();
  for (const auto& field : *fields) response_fields_.push_back({field.name, arena_.copy(field.value), http::field_id(field.name)});
  answer_with(204, response_fields_, {});
  return Verdict::kAnswered;
}

Exchange::Verdict Exchange::redirect() {
  if (!rule_->filters.redirect) return Verdict::kNext;
  const std::string location = decide::route::redirect_location(
      *rule_->filters.redirect, {head_.scheme, host_, port_->port, path_.path, path_.query, path_.has_query, prefix_bytes_});
  response_fields_.clear();
  response_fields_.push_back({"location", arena_.copy(location), http::FieldId::kLocation});
  apply_edits(response_fields_, rule_->filters.response_headers);
  answer_with(rule_->filters.redirect->status, response_fields_, {});
  return Verdict::kAnswered;
}

Exchange::Verdict Exchange::pick_backend() {
  if (access_) access_->take_credentials_from_query();
  backend_ = decide::route::pick_backend(*rule_, worker_.prng.next());
  if (!backend_ || backend_->upstream == model::Backend::kInvalid) {
    return answer(500, "no_backend", Source::kSelf, "no backend of " + rule_->route + " can be resolved");
  }
  if (backend_->filters.redirect) return answer(500, "no_backend", Source::kSelf, "redirect filter on a backend");
  return Verdict::kNext;
}

Exchange::Verdict Exchange::forward() {
  const model::CacheShield* shield = caches_ ? turn_->shield() : nullptr;
  if (shield) home_ = home_hash(turn_->url());
  pool_ = world_->pools[shield ? shield->upstream : backend_->upstream].get();
  pool_->state().exchanges.fetch_add(1, std::memory_order_relaxed);
  request_as_sent();
  if (caches_) turn_->add_conditions(condition_text_, out_.fields);
  if (!no_client_) start_mirrors();
  forwarded_at_ = worker_.loop.wall();
  begin_attempt(first_, false);
  return Verdict::kWait;
}

}  // namespace headgate::proxy
