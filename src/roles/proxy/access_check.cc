#include "roles/proxy/access_check.h"

#include <algorithm>

#include "base/ascii.h"
#include "decide/access/signed_url.h"
#include "roles/proxy/exchange.h"
#include "roles/proxy/external_auth.h"
#include "wire/cookie/cookie.h"
#include "wire/uri/query.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace access = decide::access;
using http::FieldId;

namespace {

void remove(http::Fields& fields, std::string_view name) {
  std::erase_if(fields, [&](const http::Field& field) { return equals_ignore_case(field.name, name); });
}

// A cookie is one of several in its field: the others stay.
void remove_cookie(http::Fields& fields, std::string_view name, Arena& arena) {
  std::string rest;
  for (http::Field& field : fields) {
    if (field.id != FieldId::kCookie || !wire::cookie::find(field.value, name)) continue;
    rest.clear();
    wire::cookie::append_without(rest, field.value, name);
    field.value = arena.copy(rest);
  }
  std::erase_if(fields, [](const http::Field& field) { return field.id == FieldId::kCookie && field.value.empty(); });
}

std::string without_pair(std::string_view query, std::string_view name) {
  std::string kept;
  while (!query.empty()) {
    const std::string_view pair = take_until(query, '&');
    if (wire::uri::query_text_equals(pair.substr(0, pair.find('=')), name)) continue;
    if (!kept.empty()) kept += '&';
    kept += pair;
  }
  return kept;
}

}  // namespace

AccessCheck::AccessCheck(WorkerContext& worker, Exchange& exchange) : worker_(worker), exchange_(exchange) {}
AccessCheck::~AccessCheck() = default;

AccessCheck::Result AccessCheck::run(const Policies& policies) {
  if (!passed_.empty() && passed_.back().external) {
    Result result = external_result(*passed_.back().external);
    if (result.kind != Result::kAllowed) return result;
  }
  while (passed_.size() < policies.size()) {
    Result result = check_next(*policies[passed_.size()]);
    if (result.kind != Result::kAllowed) return result;
  }
  return {};
}

AccessCheck::Result AccessCheck::check_next(const model::AccessPolicy& policy) {
  const PreparedPolicy& prepared = exchange_.world_->prepared->access.of(policy);
  access::AccessVerdict verdict = prepared.decide(
      {.client = exchange_.client_address_,
       .query = exchange_.path_.query,
       .fields = exchange_.head_.fields,
       .now = worker_.loop.wall(),
       .method = exchange_.head_.method,
       .host = exchange_.host_,
       .path = exchange_.path_.path});
  using Kind = access::AccessVerdict::Kind;
  if (verdict.kind == Kind::kDeny) return deny(verdict);
  if (!verdict.client.empty()) client_ = verdict.client;
  const bool ask = verdict.kind == Kind::kAskExternal;
  passed_.push_back({&policy, std::move(verdict), nullptr});
  if (!ask) return {};
  passed_.back().external = std::make_unique<ExternalAuth>(worker_, exchange_, *policy.external);
  ExternalAuth& external = *passed_.back().external;
  external.ask(exchange_.world_);
  return external_result(external);
}

AccessCheck::Result AccessCheck::deny(const access::AccessVerdict& verdict) {
  exchange_.response_fields_.clear();
  if (!verdict.challenge.empty()) {
    exchange_.response_fields_.push_back({"www-authenticate", verdict.challenge, FieldId::kWwwAuthenticate});
  }
  exchange_.answer_extra_ = true;
  return {Result::kDenied, verdict.status, std::string(access::to_string(verdict.reason))};
}

AccessCheck::Result AccessCheck::external_result(const ExternalAuth& external) {
  switch (external.state()) {
    case ExternalAuth::State::kWaiting: return {Result::kWaiting, 0, {}};
    case ExternalAuth::State::kAllowed: return {};
    case ExternalAuth::State::kDenied: break;
  }
  exchange_.response_fields_.clear();
  for (const auto& field : external.fields()) exchange_.response_fields_.push_back({field.name, field.value, field.id});
  exchange_.answer_extra_ = true;
  return {Result::kDenied, external.status(), external.reason()};
}

// Names that the edge sets are taken out of what the client sent first, whether or not there is a value for them.
void AccessCheck::add_request_fields(http::Fields& fields, Arena& arena) const {
  for (const Passed& passed : passed_) strip_of(passed, fields, arena);
  for (const Passed& passed : passed_) {
    for (const auto& header : passed.verdict.headers)
      if (header.value) fields.push_back({header.name, *header.value, http::field_id(header.name)});
    if (!passed.external) continue;
    for (const auto& field : passed.external->fields()) fields.push_back({field.name, field.value, field.id});
  }
}

void AccessCheck::strip_of(const Passed& passed, http::Fields& fields, Arena& arena) const {
  const model::AccessPolicy& policy = *passed.policy;
  const access::AccessVerdict& verdict = passed.verdict;
  if (!verdict.strip_header.empty()) remove(fields, verdict.strip_header);
  if (!verdict.strip_cookie.empty()) remove_cookie(fields, verdict.strip_cookie, arena);
  if (!policy.api_key_header.empty()) remove(fields, policy.api_key_header);
  for (const auto& header : verdict.headers) remove(fields, header.name);
  if (!passed.external) return;
  for (const std::string& name : policy.external->response_headers)
    if (!http::is_hop_by_hop(http::field_id(name))) remove(fields, name);
}

void AccessCheck::take_credentials_from_query() {
  wire::uri::PathInfo& path = exchange_.path_;
  const auto replace = [&](const std::string& kept, bool is_there) {
    if (!query_with_credentials_) query_with_credentials_ = path.query;
    path.query = exchange_.arena_.copy(kept);
    path.has_query = is_there;
    path.normalised = true;  // the target is put together anew
  };
  for (const Passed& passed : passed_) {
    const model::AccessPolicy& policy = *passed.policy;
    if (policy.signed_urls) {
      const auto bare = access::without_signature(path.query, policy.signed_urls->parameter_prefix);
      replace(bare.text, bare.is_there);
    }
    if (policy.api_key_query.empty() || !wire::uri::find_query_value(path.query, policy.api_key_query)) continue;
    const std::string kept = without_pair(path.query, policy.api_key_query);
    replace(kept, !kept.empty());
  }
}

}  // namespace headgate::proxy
