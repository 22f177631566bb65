#include "roles/proxy/external_auth.h"

#include <algorithm>
#include <utility>

#include "base/ascii.h"
#include "roles/proxy/exchange.h"

namespace headgate::proxy {

namespace http = wire::http;
using http::FieldId;

namespace {

// What the edge says itself about the request; a client cannot have it said otherwise.
bool is_own(const http::Field& field) {
  return http::is_hop_by_hop(field.id) || field.id == FieldId::kContentLength || field.id == FieldId::kHost ||
         field.id == FieldId::kExpect || field.id == FieldId::kXForwardedFor || field.id == FieldId::kXForwardedHost ||
         field.id == FieldId::kXForwardedProto || equals_ignore_case(field.name, "x-forwarded-method") ||
         equals_ignore_case(field.name, "x-forwarded-uri");
}

// Framing and routing of the request that goes on are not an external service's to say.
bool is_settable(const http::Field& field) {
  return !http::is_hop_by_hop(field.id) && field.id != FieldId::kContentLength && field.id != FieldId::kHost;
}

bool is_listed(const std::vector<std::string>& names, const http::Field& field) {
  return std::any_of(names.begin(), names.end(), [&](const auto& name) { return equals_ignore_case(name, field.name); });
}

bool is_passed_on(int status) {
  return status == 401 || status == 403 || status == 302 || status == 303 || status == 307;
}

bool is_for_client(FieldId id) {
  return id == FieldId::kLocation || id == FieldId::kWwwAuthenticate || id == FieldId::kSetCookie;
}

}  // namespace

void ExternalAuth::ask(std::shared_ptr<const WorkerSnapshot> world) {
  if (policy_.upstream >= world->pools.size()) return decide(State::kDenied, 403, "external_unresolved");
  world_ = std::move(world);
  deadline_ = worker_.loop.now() + policy_.timeout;
  asking_ = true;
  start_now(false);
  asking_ = false;
}

void ExternalAuth::start_now(bool needs_fresh) {
  start(exchange_, {world_, policy_.upstream}, deadline_ - worker_.loop.now(), needs_fresh);
}

void ExternalAuth::build_fields(http::Fields& fields) const {
  const http::RequestHead& head = exchange_.head();
  fields = {{"x-forwarded-method", head.method_text, FieldId::kOther},
            {"x-forwarded-uri", uri_, FieldId::kOther},
            {"x-forwarded-host", head.authority, FieldId::kXForwardedHost},
            {"x-forwarded-proto", exchange_.facts().tls ? "https" : "http", FieldId::kXForwardedProto},
            {"x-forwarded-for", exchange_.client_text(), FieldId::kXForwardedFor}};
  for (const http::Field& field : head.fields)
    if (is_listed(policy_.request_headers, field) && !is_own(field)) fields.push_back(field);
}

void ExternalAuth::call_ready(OriginStream& stream) {
  const auto& path = exchange_.path();
  uri_ = path.path;
  if (path.has_query) (uri_ += '?') += path.query;
  target_ = policy_.path_prefix;
  if (target_.ends_with('/')) target_.pop_back();
  target_ += uri_.starts_with('/') ? std::string_view(uri_) : std::string_view("/");  // "OPTIONS *"
  http::RequestHead head;
  head.method_text = "GET";
  head.scheme = exchange_.head().scheme;
  head.authority = exchange_.head().authority;
  head.target = target_;
  build_fields(head.fields);
  stream.send_head(head, true);
}

void ExternalAuth::keep(const http::Field& field) {
  fields_.push_back({std::string(field.name), std::string(field.value), field.id});
}

// Decides on the head: nobody waits for a body that is not looked at.
void ExternalAuth::call_head(http::ResponseHead& head) {
  const bool allowed = head.status / 100 == 2;
  if (!allowed && !is_passed_on(head.status)) return decide_error("external_status_" + std::to_string(head.status));
  for (const http::Field& field : head.fields)
    if (allowed ? is_listed(policy_.response_headers, field) && is_settable(field) : is_for_client(field.id)) keep(field);
  decide(allowed ? State::kAllowed : State::kDenied, head.status, "external_denied");
}

void ExternalAuth::call_body(std::string_view bytes) {
  response_bytes_ += bytes.size();
  if (response_bytes_ > kResponseBytesMax) cancel();
}

void ExternalAuth::call_ended(const OriginFailure* failure) {
  if (!failure || state_ != State::kWaiting) return;
  using Kind = OriginFailure::Kind;
  // The kept connection had been closed by its other end: the question was not seen.
  if (failure->kind == Kind::kReset && failure->reused && !std::exchange(retried_, true)) return start_now(true);
  decide_error(failure->kind == Kind::kTimeout ? "external_timeout" : "external_unreachable: " + std::string(failure->detail));
}

void ExternalAuth::decide_error(std::string reason) {
  decide(policy_.allow_on_error ? State::kAllowed : State::kDenied, 403, std::move(reason));
}

void ExternalAuth::decide(State state, int status, std::string reason) {
  state_ = state;
  status_ = status;
  reason_ = std::move(reason);
  if (!asking_ && world_) exchange_.resume_stages();
}

}  // namespace headgate::proxy
