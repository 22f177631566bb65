// What becomes of the origin's answer in the cache.
#include <algorithm>
#include <tuple>

#include "base/hash.h"
#include "decide/cache/control.h"
#include "decide/cache/freshen.h"
#include "decide/cache/groups.h"
#include "decide/cache/record.h"
#include "decide/cache/storability.h"
#include "decide/cache/tags.h"
#include "decide/cache/validation.h"
#include "decide/cache/vary.h"
#include "io/entropy.h"
#include "roles/proxy/cache/cache_turn.h"
#include "roles/proxy/cache/labels.h"
#include "roles/proxy/cache/stored_head.h"
#include "roles/proxy/exchange.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace rules = decide::cache;
using rules::Reason;
using store::memory::Draft;
using store::memory::Object;
using store::memory::Purge;
using store::memory::Ref;

namespace {

// How long nobody waits for a key whose last answer was for its client alone.
constexpr Duration kPassTime = 30s;

// The answer of one request says nothing about that of the next: others need not stop waiting.
bool is_about_request(Reason reason) {
  return reason == Reason::kRequestNoStore || reason == Reason::kAuthorization ||
         reason == Reason::kCookieHeuristic || reason == Reason::kNotAdmitted ||
         reason == Reason::kRequestFault;
}

std::optional<std::uint64_t> length_of(const CacheTurn::Arrived& arrived) {
  if (arrived.is_complete && !arrived.head.framing.has_length) return 0;
  if (!arrived.head.framing.has_length) return std::nullopt;
  return arrived.head.framing.length;
}

// Never had by another object, also of processes before this one: their slices lie on the disk.
std::uint64_t new_series() {
  std::uint64_t series = 0;
  while (series == 0) series = io::random_u64();
  return series;
}

bool is_time_of_answer(const http::Field& field) {
  return field.id == http::FieldId::kDate || field.id == http::FieldId::kExpires;
}

// Whether an older copy of a freshened response, with its own older times, still says nothing that
// the origin has taken back.
bool says_the_same(const model::StoredResponse& then, const http::Fields& old_fields,
                   const model::StoredResponse& now, const http::Fields& fields) {
  const auto rules_of = [](const model::StoredResponse& r) {
    return std::tuple(r.flags, r.lifetime_source, r.stale_while_revalidate_s, r.stale_if_error_s);
  };
  if (rules_of(then) != rules_of(now) || now.lifetime_s < then.lifetime_s) return false;
  const auto is_in = [](const http::Fields& all, const http::Field& field) {
    return std::any_of(all.begin(), all.end(), [&](const http::Field& other) {
      return other.name == field.name && other.value == field.value;
    });
  };
  const auto all_in = [&](const http::Fields& some, const http::Fields& all) {
    return std::all_of(some.begin(), some.end(), [&](const http::Field& field) {
      return is_time_of_answer(field) || is_in(all, field);
    });
  };
  return all_in(fields, old_fields) && all_in(old_fields, fields);
}

}  // namespace

void CacheTurn::add_conditions(std::string& storage, http::Fields& out) {
  if (!is_validating_) return;
  http::Fields fields;
  if (!read_stored_head(stored_->head(), fields)) {
    is_validating_ = false;
    return;
  }
  const rules::Validators validators = rules::validators_of(fields);
  is_validating_ = rules::append_conditions({&validators, 1}, storage, out);
}

void CacheTurn::collect_labels(const http::Fields& response) {
  const rules::KeyInput input = url();
  std::size_t used = 0;
  const auto next = [&]() -> std::string& {
    if (used == cache_.label_texts.size()) cache_.label_texts.emplace_back();
    std::string& text = cache_.label_texts[used++];
    text.clear();
    return text;
  };
  append_namespace_label(next(), rule_->route_namespace);
  append_host_label(next(), input.host);
  append_url_label(next(), input);
  rules::for_each_tag(response, policy_->tag_headers, [&](std::string_view tag) {
    append_tag_label(next(), rule_->route_namespace, tag);
  });
  for (const std::string& group : rules::groups_of(response, rules::kCacheGroups))
    append_group_label(next(), input, group);
  cache_.labels.assign(cache_.label_texts.begin(),
                       cache_.label_texts.begin() + static_cast<std::ptrdiff_t>(used));
}

// `fields` are kept; `response` is what tags are read from, since it has all of them.
Draft CacheTurn::draft_of(const http::Fields& fields, const http::Fields& response) {
  write_stored_head(cache_.head, fields);
  collect_labels(response);
  Draft draft;
  draft.secondary = selector_.empty() ? 0 : hash64(selector_) | 1;
  draft.selector = selector_;
  metadata_ = {record_, born_, series_};
  draft.metadata = {reinterpret_cast<const char*>(&metadata_), sizeof metadata_};
  draft.head = cache_.head;
  draft.labels = cache_.labels;
  return draft;
}

Reason CacheTurn::keep(const Arrived& arrived, const http::Fields& request) {
  is_validating_ = false;
  forget_on_disk();
  stored_ = {};
  series_ = 0;
  status_.ttl.reset();
  if (!lead_) return Reason::kNotAdmitted;
  http::Fields response = arrived.head.fields;
  if (!http::find(response, http::FieldId::kDate))
    response.push_back({"date", arrived.date, http::FieldId::kDate});
  const rules::Governing governing = rules::governing_control(response, *policy_);
  record_ =
      rules::describe(arrived.head.status, response, governing, arrived.times, length_of(arrived));
  Reason reason = rules::may_store(facts_, response, governing, record_, *policy_);
  if (reason == Reason::kStored && policy_->admission != model::CachePolicy::Admission::kAlways &&
      !rules::is_admitted(*policy_, cache_.shared.count_request(hash_)))
    reason = Reason::kNotAdmitted;
  if (reason == Reason::kStored && arrived.head.framing.has_length &&
      arrived.head.framing.length > cache_.shared.memory().options().object_bytes_max) {
    if (may_slice(response))
      series_ = new_series();
    else
      reason = Reason::kTooLarge;
  }
  if (reason != Reason::kStored) {
    end_lead(reason);
    return reason;
  }
  selector_.clear();
  rules::append_variant_key(selector_, response, request);
  http::Fields kept;
  for (const http::Field& field : response)
    if (rules::is_stored_field(field, response, governing, *policy_)) kept.push_back(field);
  Draft draft = draft_of(kept, response);
  draft.body_bytes = is_sliced() ? 0 : length_of(arrived);
  auto fill = lead_->fill(draft);
  if (!fill) {
    series_ = 0;
    end_lead(Reason::kTooLarge);
    return Reason::kTooLarge;
  }
  lead_.reset();
  stored_ = fill->object();
  if (is_sliced()) {
    fill->complete();
  } else {
    fill_.emplace(std::move(*fill));
    filled_ = 0;
  }
  status_.stored = true;
  status_.ttl = rules::freshness_of(record_, *policy_, arrived.times.response).ttl_s();
  status_.detail = {};
  return Reason::kStored;
}

// Nothing is kept: whoever waits fetches for itself.
void CacheTurn::end_lead(Reason reason) {
  status_.detail = rules::token_of(reason);
  cache_.shared.refusals().note(hash_, reason, exchange_.wall());
  if (!lead_) return;
  const bool remembers = !is_about_request(reason);
  lead_->pass(remembers ? exchange_.now() + kPassTime : Instant{});
  lead_.reset();
}

bool CacheTurn::freshen(const Arrived& arrived) {
  is_validating_ = false;
  http::Fields stored;
  if (!read_stored_head(stored_->head(), stored)) return false;
  const rules::Candidate candidate{rules::validators_of(stored), record_.date_s};
  bool selected = false;
  if (rules::select_for_update({&candidate, 1}, arrived.head.fields, {&selected, 1}) == 0)
    return false;
  http::Fields update = arrived.head.fields;
  if (!http::find(update, http::FieldId::kDate))
    update.push_back({"date", arrived.date, http::FieldId::kDate});
  const rules::Freshened fresh =
      rules::freshen(record_, stored, update, facts_, *policy_, arrived.times);
  if (!says_the_same(record_, stored, fresh.record, fresh.fields)) forget_on_disk();
  record_ = fresh.record;
  mark_ = {};
  is_confirmed_ = true;
  status_.ttl = rules::freshness_of(record_, *policy_, arrived.times.response).ttl_s();
  status_.detail = {};
  selector_.assign(stored_->selector());
  if (fresh.vary_changed) {
    selector_.clear();
    rules::append_variant_key(selector_, fresh.fields, exchange_.request_as_sent());
  }
  save(fresh.fields,
       fresh.keep == Reason::kStored && !fresh.is_saved ? Reason::kRequestNoStore : fresh.keep);
  return true;
}

// A stored response with a new head. The answer is made of that also when it is not saved.
void CacheTurn::save(const http::Fields& fields, Reason reason) {
  store::memory::Store& store = cache_.shared.memory();
  const Draft draft = draft_of(fields, fields);
  if (reason == Reason::kStored && lead_) {
    if (auto made = lead_->freshen(stored_, draft)) {
      lead_.reset();
      stored_ = std::move(*made);
      status_.stored = true;
      return;
    }
    reason = Reason::kTooLarge;
  }
  if (reason != Reason::kRequestNoStore) {
    store.purge_key(key(), Purge::kHard);
    forget_on_disk();
  }
  end_lead(reason);
  stored_ = Object::create(store.budget(), draft, stored_->body());
}

rules::ErrorUse CacheTurn::on_failure(int status) {
  is_validating_ = false;
  const rules::ErrorUse use =
      stored_ ? rules::decide_error(status, record_, mark_, facts_, *policy_, exchange_.wall())
              : rules::ErrorUse::kPassOn;
  // An answer that is an error may still be one to keep.
  if (use == rules::ErrorUse::kServeStale || status == 0) {
    if (lead_) lead_->pass(Instant{});
    lead_.reset();
  }
  if (use != rules::ErrorUse::kServeStale) {
    stored_ = {};
    return use;
  }
  const rules::Freshness freshness = rules::freshness_of(record_, *policy_, exchange_.wall());
  reuse_.reason = Reason::kStaleIfError;
  reuse_.age_s = freshness.age_s();
  reuse_.ttl_s = freshness.ttl_s();
  status_.detail = rules::token_of(Reason::kStaleIfError);
  status_.ttl = reuse_.ttl_s;
  return use;
}

void CacheTurn::note_head(const Arrived& arrived) {
  if (!stored_ || facts_.method != http::Method::kHead) return;
  http::Fields stored;
  if (!read_stored_head(stored_->head(), stored)) return;
  const auto length =
      arrived.head.framing.has_length ? std::optional(arrived.head.framing.length) : std::nullopt;
  const auto effect =
      rules::effect_of_head(arrived.head.status, arrived.head.fields, length, record_, stored);
  if (effect == rules::HeadEffect::kOutdate) {
    cache_.shared.memory().purge_key(key(), Purge::kSoft);
    forget_on_disk();
  }
  const bool is_whole = stored_->body()->state() == store::memory::BodyState::kComplete;
  if (effect != rules::HeadEffect::kFreshen || !is_whole || !lead_) return;
  freshen(arrived);
  status_.stored = false;
  stored_ = {};
}

void CacheTurn::note_unsafe(int status, const http::Fields& response) {
  if (!rules::invalidates(exchange_.head().method, status)) return;
  rules::QueryScratch scratch;
  std::string keyed;
  // What is stored is named by the part of the query that the policy keeps.
  const auto purge = [&](rules::KeyInput url) {
    if (policy_) url.query = rules::keyed_query(url.query, policy_->key, scratch, keyed);
    cache_.text.clear();
    append_url_label(cache_.text, url);
    cache_.shared.purges().invalidate(cache_.text);
  };
  const rules::KeyInput target = url();
  purge(target);
  for (const http::Field& field : response) {
    if (field.id != http::FieldId::kLocation && field.id != http::FieldId::kContentLocation)
      continue;
    const std::string_view at = exchange_.head().target;
    if (const auto other = rules::same_origin_url(target, at, field.value, cache_.resolve))
      purge(*other);
  }
  for (const std::string& group : rules::groups_of(response, rules::kCacheGroupInvalidation)) {
    cache_.text.clear();
    append_group_label(cache_.text, target, group);
    cache_.shared.purges().invalidate(cache_.text);
  }
}

bool CacheTurn::append(std::string_view bytes) {
  filled_ += bytes.size();
  fill_->append(bytes);
  if (filled_ > policy_->object_bytes_max) fill_->pass_through();
  if (!fill_->passing()) return true;
  if (std::exchange(status_.stored, false)) refuse_late();
  if (fill_->room() > 0) return true;
  if (!room_) room_.emplace(cache_.wakes, *this);
  is_waiting_for_room_ = fill_->wait_for_room(room_->waker());
  return !is_waiting_for_room_;
}

// It grew too large after its head had said that it is kept: the log, and who comes next, know
// better.
void CacheTurn::refuse_late() {
  status_.ttl.reset();
  if (auto lead = cache_.shared.memory().lead_alone(key(), secondary_))
    lead_.emplace(std::move(*lead));
  end_lead(Reason::kTooLarge);
  exchange_.restate_cache_status();
}

void CacheTurn::release_room() {
  if (fill_ && room_) fill_->stop_waiting_for_room(room_->waker());
  is_waiting_for_room_ = false;
}

void CacheTurn::complete() {
  release_room();
  const bool is_whole =
      slice_ ? filled_ == slice_->range.size()
             : rules::may_keep(record_, {filled_, true}, *policy_) != Reason::kIncomplete;
  if (is_whole) {
    fill_->complete();
    if (stored_->seen_before()) hand_down();
  } else {
    fill_->fail();
  }
  fill_.reset();
}

void CacheTurn::fail() {
  release_room();
  if (fill_) fill_->fail();
  fill_.reset();
}

bool CacheTurn::is_read_by_others() const { return fill_ && fill_->read_by_somebody(); }

}  // namespace headgate::proxy
