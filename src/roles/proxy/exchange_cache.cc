// The cache in the life of a request: looked up before it is forwarded, told what the origin answers, and read from when it
// answers. What may be done is decide/cache; what is found and kept is cache/cache_turn.h.
#include <algorithm>

#include "base/ascii.h"
#include "decide/cache/conditional.h"
#include "decide/cache/validation.h"
#include "roles/proxy/cache/cache_turn.h"
#include "roles/proxy/cache/stored_head.h"
#include "roles/proxy/exchange.h"
#include "wire/http/byteranges.h"
#include "wire/http/connection_options.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace rules = decide::cache;
using http::FieldId;
using store::memory::BodyState;

namespace {

// Those that a 304 answers.
bool is_condition(const http::Field& field) {
  return field.id == FieldId::kIfNoneMatch || field.id == FieldId::kIfModifiedSince;
}

}  // namespace

// ---- before the origin is asked

Exchange::Verdict Exchange::look_up() {
  caches_ = rule_->cache || !http::is_safe(head_.method);
  if (!caches_) return Verdict::kNext;
  if (!turn_) turn_ = std::make_unique<CacheTurn>(*this, worker_.cache);
  return act_on(turn_->begin(*rule_));
}

Exchange::Verdict Exchange::act_on(CacheTurn::Next next) {
  switch (next) {
    case CacheTurn::Next::kForward: return Verdict::kNext;
    case CacheTurn::Next::kServeStale: validate_beside(); [[fallthrough]];
    case CacheTurn::Next::kServe: return serve();
    case CacheTurn::Next::kGatewayTimeout: return answer(504, "only_if_cached", Source::kClient);
    case CacheTurn::Next::kWait: break;
  }
  const Duration wait_max = traffic_->timeouts.backend_request;
  if (wait_max > Duration::zero()) worker_.loop.arm(phase_timer_, wait_max);
  return Verdict::kWait;
}

void Exchange::resume_from_cache() {
  if (phase_ != Phase::kStages || !turn_->is_waiting()) return;
  const CacheTurn::Next next = turn_->look_again();
  if (next == CacheTurn::Next::kWait && turn_->is_waiting()) return;
  worker_.loop.disarm(phase_timer_);
  if (act_on(next) == Verdict::kNext) go_on();
}

void Exchange::waited_too_long() {
  if (!caches_ || !turn_->is_waiting()) return;
  turn_->stop_waiting();
  go_on();
}

// To the origin. When it was asked already, what it said was of no use.
void Exchange::go_on() {
  if (pool_) return ask_again();
  if (no_client_) return static_cast<void>(forward());
  ++stage_;
  run_stages();
}

// Those of a validation: a client's own are not sent where the answer may be kept.
void Exchange::drop_conditions() {
  std::erase_if(out_.fields, [](const http::Field& f) {
    return f.id == FieldId::kIfNoneMatch || f.id == FieldId::kIfModifiedSince;
  });
}

void Exchange::ask_again() {
  request_as_sent();
  if (turn_->may_store()) drop_conditions();
  forwarded_at_ = worker_.loop.wall();
  begin_attempt(first_, false);
}

// What the origin is not to see of the query, since what comes back is kept without it.
void Exchange::keep_query(const rules::Query& query) {
  path_.query = arena_.copy(query.text);
  path_.has_query = query.is_there;
  path_.normalised = true;
}

std::optional<std::uint16_t> Exchange::port() const {
  const std::size_t colon = head_.authority.rfind(':');
  if (colon == std::string_view::npos || head_.authority.ends_with(']')) return std::nullopt;
  std::uint32_t port = 0;
  for (const char c : head_.authority.substr(colon + 1)) port = port * 10 + static_cast<std::uint32_t>(c - '0');
  return static_cast<std::uint16_t>(port);
}

bool Exchange::tells_origin_who() const { return access_ && !access_->client().empty(); }

const http::Fields& Exchange::request_as_sent() {
  if (!request_built_) build_request_fields();
  request_built_ = true;
  return out_.fields;
}

// ---- the origin answered

// True: the answer was the cache's to deal with.
bool Exchange::cache_takes(http::ResponseHead& head, bool end) {
  origin_status_ = head.status;
  const CacheTurn::Arrived arrived{head, {forwarded_at_, worker_.loop.wall()}, date_now(), end};
  if (!turn_->may_store()) {
    turn_->note_unsafe(head.status, head.fields);
    return false;
  }
  if (head.status == 304 && std::none_of(out_.fields.begin(), out_.fields.end(), is_condition)) {
    if (winner_) winner_->abandon(true, worker_.loop.now());
    return fail_forward(502, "upstream_not_modified", Source::kOrigin, "a 304 to a request without conditions"), true;
  }
  if (head_.method == http::Method::kHead) {
    turn_->note_head(arrived);
    return false;
  }
  if (turn_->is_slice()) {
    if (!turn_->keep_slice(arrived)) finish();
    else if (end) origin_is_done();
    return true;
  }
  if (turn_->stored() && head.status == 304 && turn_->is_validating()) return cache_confirms(arrived);
  if (rules::outcome_of(head.status) == rules::ValidationOutcome::kFailed && stale_answers(head.status)) {
    if (winner_) winner_->abandon(true, worker_.loop.now());
    return true;
  }
  const rules::Reason kept = turn_->keep(arrived, out_.fields);
  if (kept != rules::Reason::kStored) {
    if (no_client_) return finish(), true;
    return kept == rules::Reason::kTooLarge && asks_for_itself();
  }
  if (turn_->is_sliced()) return serve_in_slices(), true;
  if (!no_client_) reply_with(head);
  if (end) origin_is_done();
  return true;
}

// The origin stops sending all of what is fetched slice by slice.
void Exchange::serve_in_slices() {
  if (winner_) winner_->cancel();
  winner_ = nullptr;
  serve_instead();
}

// The origin was asked, and what is stored is the answer.
void Exchange::serve_instead() {
  if (no_client_) return finish();
  phase_ = Phase::kStages;
  if (act_on(CacheTurn::Next::kServe) == Verdict::kNext) go_on();
}

bool Exchange::cache_confirms(const CacheTurn::Arrived& arrived) {
  if (turn_->freshen(arrived)) return serve_instead(), true;
  // It confirms something that is not stored: the request goes out again, without conditions.
  std::erase_if(out_.fields, is_condition);
  if (winner_) winner_->cancel();
  winner_ = nullptr;
  ask_again();
  return true;
}

// A part of what is too large to keep: the client's own request goes out, instead of all of it. False: it asked for all.
bool Exchange::asks_for_itself() {
  if (!turn_->facts().has_range) return false;
  if (winner_) winner_->cancel();
  winner_ = nullptr;
  turn_->pass_by();
  ask_again();
  return true;
}

// Whether what is stored stands in for an origin that failed.
bool Exchange::stale_answers(int status) {
  if (!caches_ || !turn_->may_store() || turn_->is_filling()) return false;
  switch (turn_->on_failure(status)) {
    case rules::ErrorUse::kPassOn: return false;
    case rules::ErrorUse::kGatewayTimeout:
      answer(504, "must_revalidate", Source::kOrigin, "the origin did not answer, and what is stored may not be used without it");
      return true;
    case rules::ErrorUse::kServeStale: break;
  }
  serve_instead();
  return true;
}

// No answer comes from the origin.
void Exchange::fail_forward(int status, const char* reason, Source fault, std::string detail) {
  if (stale_answers(0)) return;
  answer(status, reason, fault, std::move(detail));
}

void Exchange::fill_from(Attempt& attempt, std::string_view bytes, bool end) {
  if (end) attempt.complete(outcome_.status >= 500, worker_.loop.now());
  else touch();
  const bool has_room = turn_->append(bytes);
  if (end) return origin_is_done();
  if (!no_client_) pump_reply();
  if (no_client_ && turn_->is_passing() && !turn_->is_read_by_others()) return finish();
  if (!has_room && attempt.stream()) attempt.stream()->want_response_body(false);
}

void Exchange::fill_has_room() {
  if (winner_ && winner_->stream()) winner_->stream()->want_response_body(true);
}

void Exchange::origin_is_done() {
  turn_->complete();
  if (no_client_) return finish();
  pump_reply();
}

// ---- an answer from the store

Exchange::Verdict Exchange::serve() {
  if (no_client_) return finish(), Verdict::kAnswered;
  const CacheTurn::Next next = turn_->is_sliced() ? turn_->first_slice() : CacheTurn::Next::kServe;
  if (next != CacheTurn::Next::kServe) return act_on(next);
  return serve_stored() ? Verdict::kAnswered : Verdict::kNext;
}

// False: what is stored cannot be read any more; the request goes on to the origin.
bool Exchange::serve_stored() {
  stored_head_.fields.clear();
  stored_head_.status = turn_->record().status;
  stored_head_.version = http::Version::k11;
  stored_head_.framing = {};
  const auto& object = turn_->stored();
  const std::string_view lines =
      sends_as_stored() ? unchanging_lines(object->head()) : std::string_view();
  if (lines.empty() && !read_stored_head(object->head(), stored_head_.fields))
    return turn_->give_up(), false;
  const bool is_whole =
      object->body()->state() == BodyState::kComplete && !turn_->is_sliced();
  stored_head_.framing.has_length = is_whole || turn_->record().has(model::StoredFlag::kHasLength);
  stored_head_.framing.length = is_whole ? object->body()->length() : turn_->record().complete_length;
  return reply_with(stored_head_, lines);
}

// Whether nothing but what the cache adds would come between the stored fields and the client.
bool Exchange::sends_as_stored() const {
  const rules::RequestFacts& asked = turn_->facts();
  const bool edits = !rule_->filters.response_headers.empty() ||
                     (backend_ && !backend_->filters.response_headers.empty());
  return downstream_->takes_lines() && !asked.has_condition && !asked.has_range && !edits &&
         !rule_->filters.cors && !rule_->affinity && !compresses(traffic_->compression);
}

// `lines`: the fields of the head, where they are sent as they are stored; then the head has none.
bool Exchange::reply_with(http::ResponseHead& head, std::string_view lines) {
  const http::Field* tag = http::find(head.fields, FieldId::kEtag);
  model::StoredResponse record = turn_->record();
  if (head.framing.has_length) {
    record.flags |= model::StoredFlag::kHasLength;
    record.complete_length = head.framing.length;
  }
  const rules::Answer answer =
      rules::answer_from_store(head_.fields, turn_->facts(), record, tag ? tag->value : std::string_view());
  if (!open_reply(answer, head)) return false;
  response_started_ = true;
  phase_ = Phase::kResponding;
  if (first_byte_.ns == 0) first_byte_ = worker_.loop.now();
  outcome_.status = answer.status;
  if (lines.empty()) {
    build_response_fields(head, backend_ ? &backend_->filters : nullptr);
  } else {
    response_fields_.clear();
    add_via(response_fields_, head.version);
  }
  const ResponseBody body = shape_reply(answer, head);
  if (close_after_ && !request_done_) downstream_->want_request_body(false);
  downstream_->send_head_with(lines, answer.status, response_fields_, body);
  if (!answer.has_content || body.kind == ResponseBody::Kind::kNone) {
    turn_->reply().close();
    downstream_->flush();
    response_sent();
    return true;
  }
  pump_reply();
  return true;
}

bool Exchange::open_reply(const rules::Answer& answer, const http::ResponseHead& head) {
  if (!answer.has_content) return true;
  StoredReply& reply = turn_->reply();
  if (answer.ranges.count == 0) {
    reply.whole(turn_->stored()->body(), head.framing.has_length ? std::optional(head.framing.length) : std::nullopt);
  } else {
    reply.ranges(turn_->stored()->body(), answer.ranges);
  }
  if (answer.ranges.count > 1) {
    const http::Field* type = http::find(head.fields, FieldId::kContentType);
    std::string boundary;
    append_hex(boundary, worker_.prng.next(), 16);
    append_hex(boundary, worker_.prng.next(), 16);
    multipart_ = {arena_.copy(boundary), type ? arena_.copy(type->value) : std::string_view(), head.framing.length};
    reply.multipart(multipart_);
  }
  if (turn_->is_sliced()) reply.in_slices(turn_->slices());
  turn_->open_reply();
  if (turn_->is_sliced() || turn_->is_filling() || !reply.is_cut()) return true;
  reply.close();
  turn_->give_up();
  return false;
}

// The fields that depend on what of the response is sent, and how its content ends.
ResponseBody Exchange::shape_reply(const rules::Answer& answer, const http::ResponseHead& head) {
  using Kind = ResponseBody::Kind;
  const auto add_length = [this](std::uint64_t length) {
    http::add(response_fields_, {"content-length", arena_.decimal(length), FieldId::kContentLength});
  };
  using Forward = http::CacheStatus::Forward;
  const Forward forward = turn_->status().forward;
  const bool is_hit = forward == Forward::kNone || forward == Forward::kPartial;
  if (is_hit || turn_->reuse().reason == rules::Reason::kStaleIfError) {
    std::erase_if(response_fields_, [](const http::Field& f) { return f.id == FieldId::kAge; });
    http::add(response_fields_, {"age", arena_.decimal(static_cast<std::uint64_t>(turn_->reuse().age_s)), FieldId::kAge});
  }
  add_cache_status();
  if (answer.status == 304) {
    const bool has_tag = http::find(response_fields_, FieldId::kEtag) != nullptr;
    std::erase_if(response_fields_, [&](const http::Field& f) { return !rules::is_sent_in_304(f, has_tag); });
    return {};
  }
  if (answer.status == 416) {
    std::string range;
    http::append_unsatisfied_range(range, head.framing.length);
    std::erase_if(response_fields_, [](const http::Field& f) { return f.id == FieldId::kContentType; });
    http::add(response_fields_, {"content-range", arena_.copy(range), FieldId::kContentRange});
    return {Kind::kLength, 0};
  }
  if (answer.ranges.count > 0) return shape_ranges(answer, head.framing.length);
  if (!answer.has_content) {
    if (head.framing.has_length && !http::has_no_body(answer.status)) add_length(head.framing.length);
    return {};
  }
  bool varies = false;
  const auto coding = choose_coding(traffic_->compression, head_, head, varies);
  apply_coding(coding, varies);
  const bool known = head.framing.has_length && !filter_;
  return {known ? Kind::kLength : Kind::kStream, head.framing.length};
}

ResponseBody Exchange::shape_ranges(const rules::Answer& answer, std::uint64_t complete_length) {
  std::string text;
  if (answer.ranges.count == 1) {
    http::append_content_range(text, answer.ranges[0], complete_length);
    http::add(response_fields_, {"content-range", arena_.copy(text), FieldId::kContentRange});
    return {ResponseBody::Kind::kLength, answer.ranges[0].size()};
  }
  std::erase_if(response_fields_, [](const http::Field& f) { return f.id == FieldId::kContentType; });
  http::append_multipart_type(text, multipart_.boundary);
  http::add(response_fields_, {"content-type", arena_.copy(text), FieldId::kContentType});
  return {ResponseBody::Kind::kLength, http::multipart_bytes(multipart_, answer.ranges)};
}

void Exchange::add_cache_status() {
  if (!caches_ || !turn_->policy()) return;
  restate_cache_status();
  http::add(response_fields_, {"cache-status", cache_status_, FieldId::kCacheStatus});
}

void Exchange::restate_cache_status() {
  cache_status_.clear();
  turn_->append_status(cache_status_, origin_status_);
}

void Exchange::send_pieces(std::string_view first, std::string_view second, bool end) {
  if (!filter_) return downstream_->send_pieces(first, second, end);
  send_content(first, false);
  if (phase_ == Phase::kResponding) send_content(second, end);
}

// Sends what is there, as far as the client takes it.
void Exchange::pump_reply() {
  using Kind = StoredReply::Piece::Kind;
  StoredReply& reply = turn_->reply();
  while (phase_ == Phase::kResponding && reply.is_open()) {
    if (downstream_->buffered_bytes() > traffic_->buffer_bytes_max) return;
    const StoredReply::Piece piece = reply.next();
    switch (piece.kind) {
      case Kind::kBytes:
        touch();
        response_bytes_ += piece.bytes.size() + piece.more.size();
        if (piece.more.empty()) send_content(piece.bytes, piece.is_last);
        else send_pieces(piece.bytes, piece.more, piece.is_last);
        reply.pass(piece);
        if (!piece.is_last) break;
        reply.close();
        return response_sent();
      case Kind::kWait:
        // What this exchange fetches itself, it hears of.
        if (!turn_->is_filling() && !reply.wait()) break;
        return downstream_->flush();
      case Kind::kEnd:
        reply.close();
        if (trailers_of_response_.empty()) send_content({}, true);
        else end_with_trailers(trailers_of_response_);
        return response_sent();
      case Kind::kCut: return truncate("fill_failed", Source::kOrigin, "the origin's answer ended early");
    }
  }
}

}  // namespace headgate::proxy
