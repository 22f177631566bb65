#include "roles/proxy/cache/cache_turn.h"

#include <algorithm>
#include <array>

#include "base/hash.h"
#include "decide/cache/reflected.h"
#include "decide/cache/validation.h"
#include "decide/cache/vary.h"
#include "roles/proxy/cache/cached_record.h"
#include "roles/proxy/exchange.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace rules = decide::cache;
using rules::Reason;
using rules::Use;
using store::memory::BodyState;
using store::memory::Lead;
using store::memory::Object;
using store::memory::Ref;
using store::memory::View;

void CacheTurn::reset() {
  reply_.close();
  slices_.close();
  slice_.reset();
  release_room();
  room_.reset();
  fill_.reset();
  waiter_.reset();
  if (question_) question_->forget_asker();
  question_.reset();
  lead_.reset();
  stored_ = {};
  rule_ = nullptr;
  policy_ = nullptr;
  facts_ = {};
  reuse_ = {};
  status_ = {};
  mark_ = {};
  selector_.clear();
  secondary_ = filled_ = series_ = 0;
  awaits_slice_ = slices_failed_ = false;
  asker_ = Asker::kClient;
  may_store_ = has_asked_disk_ = is_confirmed_ = has_waited_ = is_validating_ =
      is_waiting_for_room_ = false;
}

rules::KeyInput CacheTurn::url() const {
  const wire::uri::PathInfo& path = exchange_.path();
  return {exchange_.client_scheme(),
          exchange_.host(),
          exchange_.port(),
          path.path,
          {path.query, path.has_query},
          rule_ ? rule_->cache_scope : 0};
}

CacheTurn::Next CacheTurn::begin(const model::Rule& rule) {
  rule_ = &rule;
  policy_ = rule.cache.get();
  if (!policy_) return Next::kForward;
  const http::RequestHead& head = exchange_.head();
  facts_ = rules::read_request(head, *policy_);
  facts_.has_authorization = facts_.has_authorization || exchange_.tells_origin_who();
  if (const auto reason = rules::bypass_reason(head, facts_, *policy_)) {
    reuse_ = rules::decide_bypass(*reason);
    name_status();
    return Next::kForward;
  }
  may_store_ = true;
  if (policy_->shield) asker_ = asker_of(head.fields, policy_->shield->pseudonym, instance());
  return find();
}

const model::CacheShield* CacheTurn::shield() const {
  const bool asks_parents = policy_ && policy_->shield && may_store_ && asker_ == Asker::kClient;
  return asks_parents ? &*policy_->shield : nullptr;
}

store::memory::Key CacheTurn::key() const { return store_key(cache_key()); }

void CacheTurn::set_key(const rules::CacheKey& key) {
  key_bytes_.assign(key.bytes);
  hash_ = key.hash;
  locator_offset_ = key.locator_offset;
  locator_bytes_ = key.locator_bytes;
}

rules::CacheKey CacheTurn::cache_key() const {
  return {key_bytes_, hash_, locator_offset_, locator_bytes_, {}};
}

void CacheTurn::take_record(const Object& object) {
  const auto metadata = object.metadata_as<CachedRecord>();
  record_ = metadata.response;
  series_ = metadata.series;
}

CacheTurn::Next CacheTurn::find() {
  const rules::KeyInput input = url();
  const bool reads_fields =
      !policy_->key.headers.empty() || !policy_->key.cookies.empty() || policy_->key.device_class;
  const http::Fields& fields = reads_fields ? exchange_.request_as_sent() : exchange_.head().fields;
  const rules::CacheKey key = cache_.keys.build(input, fields, *policy_);
  set_key(key);
  if (key.query.is_there != input.query.is_there || key.query.text != input.query.text)
    exchange_.keep_query(key.query);
  return choose(cache_.reader.find(this->key(), exchange_.now()));
}

CacheTurn::Next CacheTurn::choose(View view) {
  for (int looks = 0; looks < kLooksMax; ++looks) {
    const auto chosen = select(view);
    stored_ = {};
    if (chosen) {
      take_record(view[*chosen]);
      mark_ = mark_of(view.stale(*chosen));
      reuse_ = rules::decide_reuse(record_, mark_, facts_, *policy_, exchange_.wall());
      stored_ = view.take(*chosen);
      secondary_ = stored_->secondary();
    } else {
      reuse_ = rules::decide_miss(facts_, !view.empty());
      secondary_ = view.empty() ? 0 : secondary_of(view[0].selector());
    }
    name_status();
    if (reuse_.use == Use::kHit || reuse_.use == Use::kStaleWhileRevalidate) {
      hand_down();
      return reuse_.use == Use::kHit ? Next::kServe : Next::kServeStale;
    }
    if (reuse_.use == Use::kGatewayTimeout) return Next::kGatewayTimeout;
    if (facts_.method == http::Method::kHead) return forward_head();
    if (view.passes(secondary_) || has_waited_ || asker_ == Asker::kSelf) return forward_alone();
    auto claim =
        cache_.shared.memory().claim(key(), secondary_, view, exchange_.now(), cache_.wakes, *this);
    if (auto* lead = std::get_if<Lead>(&claim)) return forward(std::move(*lead));
    if (auto* changed = std::get_if<View>(&claim)) {
      view = std::move(*changed);
      continue;
    }
    if (auto* waiter = std::get_if<Flying>(&claim)) {
      waiter_.emplace(std::move(*waiter));
      return Next::kWait;
    }
    break;
  }
  return forward_alone();
}

// The variant that the request selects. Most keys have one, and most of these have no Vary.
std::optional<std::size_t> CacheTurn::select(const View& view) {
  if (view.empty()) return std::nullopt;
  if (view.size() == 1 && view[0].selector().empty()) return 0;
  std::array<rules::Variant, store::memory::kVariantsMax> variants;
  for (std::size_t i = 0; i < view.size(); ++i)
    variants[i] = {view[i].selector(), view[i].metadata_as<CachedRecord>().response.date_s};
  return rules::select_variant({variants.data(), view.size()}, exchange_.request_as_sent(),
                               cache_.text);
}

std::uint64_t CacheTurn::secondary_of(std::string_view like) {
  if (like.empty()) return 0;
  cache_.selector.clear();
  rules::append_key_like(cache_.selector, like, exchange_.request_as_sent());
  return hash64(cache_.selector) | 1;
}

rules::Mark CacheTurn::mark_of(bool is_stale) const {
  if (!is_stale) return {};
  const WallTime received{record_.response_time_ns};
  return {rules::Mark::Kind::kStale,
          cache_.shared.purges().soft_purged_since(received).value_or(received)};
}

CacheTurn::Next CacheTurn::forward(Lead lead) {
  lead_.emplace(std::move(lead));
  if (!stored_ && asks_disk()) return Next::kWait;
  born_ = cache_.shared.purges().now();
  is_validating_ = stored_ && stored_->body()->state() == BodyState::kComplete;
  return Next::kForward;
}

// Its answer may freshen what is stored: from here on, so that a purge that comes meanwhile counts.
CacheTurn::Next CacheTurn::forward_head() {
  if (stored_) lead_ = cache_.shared.memory().lead_alone(key(), secondary_);
  born_ = cache_.shared.purges().now();
  return Next::kForward;
}

// For one client, though others may have the answer too. A request with conditions or a range is
// then the client's own: it gets what it asked for, and nothing is kept.
CacheTurn::Next CacheTurn::forward_alone() {
  waiter_.reset();
  const http::Fields& fields = exchange_.head().fields;
  const bool is_particular =
      std::any_of(fields.begin(), fields.end(),
                  [](const http::Field& field) { return rules::is_replaced_by_cache(field.id); });
  auto lead = is_particular ? std::nullopt : cache_.shared.memory().lead_alone(key(), secondary_);
  if (lead) return forward(std::move(*lead));
  pass_by();
  return Next::kForward;
}

void CacheTurn::pass_by() {
  may_store_ = false;
  exchange_.forget_request_as_sent();
}

void CacheTurn::on_wake() {
  if (waiter_ || awaits_slice_) return exchange_.resume_from_cache();
  if (is_waiting_for_room_ && fill_ && fill_->room() > 0) {
    is_waiting_for_room_ = false;
    exchange_.fill_has_room();
  }
  if (reply_.is_open()) exchange_.pump_reply();
}

CacheTurn::Next CacheTurn::look_again() {
  if (question_) return from_disk();
  if (awaits_slice_) return first_slice();
  auto answer = waiter_->poll();
  if (std::holds_alternative<Flying::Wait>(answer)) return Next::kWait;
  waiter_.reset();
  status_.collapsed = true;
  if (auto* lead = std::get_if<Lead>(&answer)) return forward(std::move(*lead));
  if (auto* object = std::get_if<Ref<Object>>(&answer)) return adopt(*object);
  return forward_alone();
}

// What somebody else's fetch brought. It was asked for by another request: it must be what this one
// selects, and may be reused for it.
CacheTurn::Next CacheTurn::adopt(const Ref<Object>& found) {
  const bool is_selected =
      found->selector().empty() ||
      rules::matches_variant(found->selector(), exchange_.request_as_sent(), cache_.text);
  if (!is_selected) return choose(cache_.reader.find(key(), exchange_.now()));
  const BodyState state = found->body()->state();
  has_waited_ = true;
  if (state != BodyState::kFilling && state != BodyState::kComplete) return forward_alone();
  const auto first = status_.forward;
  take_record(*found);
  mark_ = {};
  reuse_ = rules::decide_reuse(record_, mark_, facts_, *policy_, exchange_.wall());
  stored_ = found;
  secondary_ = found->secondary();
  if (reuse_.use != Use::kHit && reuse_.use != Use::kStaleWhileRevalidate) return forward_alone();
  name_status();
  status_.hit = false;
  status_.forward = first;
  status_.collapsed = true;
  status_.detail = {};
  return Next::kServe;
}

void CacheTurn::stop_waiting() {
  if (awaits_slice_) return static_cast<void>(give_up());
  if (!question_) return static_cast<void>(forward_alone());
  question_->forget_asker();
  question_.reset();
  forward(std::move(*lead_));
}

CacheTurn::Next CacheTurn::give_up() {
  slices_.close();
  awaits_slice_ = false;
  slices_failed_ = true;
  series_ = 0;
  stored_ = {};
  has_asked_disk_ = true;  // it would have the same
  return forward_alone();
}

std::optional<Lead> CacheTurn::claim_validation() {
  auto claim =
      cache_.shared.memory().claim(key(), secondary_, cache_.reader.find(key(), exchange_.now()),
                                   exchange_.now(), cache_.wakes, *this);
  if (auto* lead = std::get_if<Lead>(&claim)) return std::move(*lead);
  return std::nullopt;
}

// The same question, asked by an exchange without a client.
void CacheTurn::stand_in_for(const CacheTurn& client) {
  rule_ = client.rule_;
  policy_ = client.policy_;
  asker_ = client.asker_;
  facts_ = {};
  facts_.has_authorization = client.facts_.has_authorization;
  record_ = client.record_;
  may_store_ = true;
}

void CacheTurn::begin_validation(const CacheTurn& client, Lead lead) {
  stand_in_for(client);
  set_key(client.cache_key());
  secondary_ = client.secondary_;
  stored_ = client.stored_;
  series_ = client.series_;
  mark_ = client.mark_;
  forward(std::move(lead));
}

bool CacheTurn::withholds(const http::Field& field) const {
  if (!may_store_) return false;
  const bool is_ours = facts_.method == http::Method::kGet && rules::is_replaced_by_cache(field.id);
  return is_ours || rules::is_unkeyed_influence(field, policy_->key);
}

void CacheTurn::name_status() {
  const bool collapsed = status_.collapsed;
  status_ = rules::status_of(reuse_);
  status_.collapsed = collapsed && !status_.hit;
}

CacheResult CacheTurn::result() const {
  using Forward = http::CacheStatus::Forward;
  if (reuse_.reason == Reason::kStaleIfError) return CacheResult::kStale;
  if (status_.hit) return reuse_.reason == Reason::kFresh ? CacheResult::kHit : CacheResult::kStale;
  if (status_.collapsed) return CacheResult::kShared;
  if (is_confirmed_) return CacheResult::kRevalidated;
  const bool is_past = status_.forward == Forward::kBypass || status_.forward == Forward::kMethod;
  return is_past ? CacheResult::kBypass : CacheResult::kMiss;
}

void CacheTurn::append_status(std::string& out, int status) const {
  http::CacheStatus named = status_;
  named.forward_status = named.forward == http::CacheStatus::Forward::kNone ? 0 : status;
  std::string text;
  if (policy_->key_in_cache_status && !key_bytes_.empty()) {
    if (const auto view = rules::read_key(key_bytes_)) rules::append_key_text(text, *view);
    named.key = text;
  }
  http::append_cache_status(out, "headgate", named);
}

}  // namespace headgate::proxy
