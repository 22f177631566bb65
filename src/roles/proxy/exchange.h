#pragma once
// One request and its response: the life of it is the table of stages in exchange_stages.cc, then forwarding.
// Belongs to one worker; recycled through ExchangeStore with its buffers, so that a request allocates nothing in the common
// case. Between a session (Downstream) and up to two attempts; whoever ends first tells the other.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/arena.h"
#include "base/list.h"
#include "io/loop.h"
#include "decide/retry/retry.h"
#include "roles/proxy/access_check.h"
#include "roles/proxy/attempt.h"
#include "roles/proxy/cache/cache_turn.h"
#include "roles/proxy/connection_facts.h"
#include "roles/proxy/downstream.h"
#include "roles/proxy/mirror.h"
#include "roles/proxy/response_filter.h"
#include "roles/proxy/worker_context.h"
#include "wire/http/message.h"
#include "wire/uri/normalise.h"

namespace headgate::proxy {

struct ExchangeTag;
class NoClient;

// How an exchange ended, for the log and the counters.
struct Outcome {
  int status = 0;                    // sent to the client; 0: none
  Source fault = Source::kSelf;      // meaningful when reason is set
  const char* reason = nullptr;      // short stable word: "no_route", "upstream_timeout" ...; null: served
  std::string detail;                // for people
};

class Exchange : public ListNode<ExchangeTag> {
 public:
  explicit Exchange(WorkerContext& worker);
  ~Exchange();

  // For the session: fill head() (views into head_text()), then start().
  wire::http::RequestHead& head() { return head_; }
  const wire::http::RequestHead& head() const { return head_; }
  std::string& head_text() { return head_text_; }
  // May end the exchange before it returns (Downstream::exchange_done was called then).
  void start(const ConnectionFacts& facts, Downstream& downstream);
  // Answers a request whose head the session could not accept.
  void start_refused(const ConnectionFacts& facts, Downstream& downstream, int status, const char* reason, std::string_view detail);

  // From the session.
  void on_request_body(std::string_view bytes, bool end);
  void on_request_trailers(const wire::http::Fields& fields);
  void on_client_writable();
  void on_client_gone();                           // closed or reset: nothing can be sent any more
  void on_client_error(const char* reason);        // its body breaks the protocol
  void on_client_body_too_slow();
  void on_client_reads_too_slowly();

  // What a stage waited for has come. Nothing happens when the exchange is over by then.
  void resume_stages() { run_stages(); }

  // From attempts.
  void attempt_ready(Attempt& attempt);
  void attempt_interim(Attempt& attempt, int status, const wire::http::Fields& fields);
  void attempt_head(Attempt& attempt, wire::http::ResponseHead& head, bool end);
  void attempt_body(Attempt& attempt, std::string_view bytes, bool end);
  void attempt_trailers(Attempt& attempt, const wire::http::Fields& fields);
  void attempt_writable(Attempt& attempt);
  void attempt_failed(Attempt& attempt, const OriginFailure& failure);
  void attempt_idle(Attempt& attempt);

  // From the cache (exchange_cache.cc).
  void resume_from_cache();                        // what was waited for has come
  void pump_reply();                               // there may be more of what is served
  void fill_has_room();                            // the origin may go on
  void restate_cache_status();                     // what was said of the answer does not hold any more
  void fetch_slice(store::memory::Lead lead, std::uint32_t slice);  // exchange_beside.cc
  void keep_query(const decide::cache::Query& query);
  // The fields that the origin gets, or got; built when they are first asked for.
  const wire::http::Fields& request_as_sent();
  void forget_request_as_sent() { request_built_ = false; }

  // Facts for the log, the status page and the stages.
  const ConnectionFacts& facts() const { return *facts_; }
  const Outcome& outcome() const { return outcome_; }
  const model::Rule* rule() const { return rule_; }
  const model::TrafficPolicy& traffic() const { return *traffic_; }
  const wire::uri::PathInfo& path() const { return path_; }
  std::string_view host() const { return host_; }
  std::optional<std::uint16_t> port() const;       // of the authority, when it names one
  // Of the client's own request: that of the connection, unless a trusted proxy says otherwise.
  std::string_view client_scheme() const { return client_scheme_; }
  // Whether the origin is told who the client is by other means than Authorization.
  bool tells_origin_who() const;
  Instant now() const { return worker_.loop.now(); }
  WallTime wall() const { return worker_.loop.wall(); }
  std::string_view cache_status() const { return cache_status_; }
  // None: the rule has no policy, or the request did not come that far.
  std::optional<CacheResult> cache_result() const {
    return caches_ && turn_->policy() ? std::optional(turn_->result()) : std::nullopt;
  }
  std::string_view request_id() const { return request_id_; }
  std::string_view trace_id() const { return trace_id_; }
  std::string_view upstream_name() const;
  std::string_view endpoint_name() const;
  Instant started() const { return started_; }
  Instant first_byte() const { return first_byte_; }
  std::uint64_t request_bytes() const { return request_bytes_; }
  std::uint64_t response_bytes() const { return response_bytes_; }
  std::uint32_t attempts_made() const { return attempts_made_; }
  bool drops_keep_alive() const { return close_after_; }
  bool is_tunnel() const { return tunnel_; }
  const wire::ip::IpAddress& client_address() const { return client_address_; }
  std::string_view client_text() const { return client_text_; }
  // Of the endpoint that the client's affinity cookie names; none without one.
  std::optional<std::uint64_t> affinity_hash() const;

 private:
  friend class ExchangeStore;
  friend class AccessCheck;
  enum class Verdict : std::uint8_t { kNext, kAnswered, kWait };
  struct Stage {
    const char* name;
    Verdict (Exchange::*run)();
  };
  static const Stage kStages[];
  enum class Phase : std::uint8_t { kIdle, kStages, kAwaitHead, kBackoff, kResponding, kTunnel, kDone };

  // exchange_stages.cc
  void run_stages();
  Verdict normalise();
  Verdict identify();
  Verdict select_listener();
  Verdict route();
  Verdict check_upgrade();
  Verdict check_access();
  Verdict limit();
  Verdict answer_preflight();
  Verdict redirect();
  Verdict pick_backend();
  Verdict look_up();                               // exchange_cache.cc
  Verdict forward();

  // exchange_forward.cc
  bool upstream_has_room() const;
  void arm_attempt_timer();
  void begin_attempt(Attempt& attempt, bool needs_fresh);
  void start_hedge();
  void start_mirrors();                            // mirror.cc
  void start_mirror(std::uint32_t upstream);
  void retry_or_fail(const OriginFailure& failure, int status);
  void keep_for_replay(std::string_view bytes);
  decide::retry::RetryBudget budget() const;
  decide::retry::Attempt retry_facts() const;
  bool may_retry(int status);
  void hold_retry();

  // request_fields.cc
  void build_request_fields();
  void add_client_fields(wire::http::Fields& out);
  void address_to_parent(const model::CacheShield& shield);
  void add_via(wire::http::Fields& out, wire::http::Version received);
  void add_trace(wire::http::Fields& out);
  std::string_view date_now();
  void add_cors();
  void apply_edits(wire::http::Fields& fields, const std::vector<model::HeaderEdit>& edits);
  // response_fields.cc
  void build_response_fields(const wire::http::ResponseHead& head, const model::Filters* backend_filters);
  void send_response_head(wire::http::ResponseHead& head, bool end);
  void apply_coding(wire::content_coding::Coding coding, bool varies);
  void add_affinity_cookie();
  void send_content(std::string_view bytes, bool end);
  void end_with_trailers(const wire::http::Fields& fields);

  // exchange_cache.cc
  Verdict act_on(CacheTurn::Next next);
  void go_on();
  void waited_too_long();
  void ask_again();
  void drop_conditions();
  bool cache_takes(wire::http::ResponseHead& head, bool end);
  bool cache_confirms(const CacheTurn::Arrived& arrived);
  bool asks_for_itself();
  bool stale_answers(int status);
  void fail_forward(int status, const char* reason, Source fault, std::string detail);
  void fill_from(Attempt& attempt, std::string_view bytes, bool end);
  void origin_is_done();
  void serve_in_slices();
  void serve_instead();
  Verdict serve();
  bool serve_stored();
  bool sends_as_stored() const;
  bool reply_with(wire::http::ResponseHead& head, std::string_view lines = {});
  bool open_reply(const decide::cache::Answer& answer, const wire::http::ResponseHead& head);
  ResponseBody shape_reply(const decide::cache::Answer& answer, const wire::http::ResponseHead& head);
  ResponseBody shape_ranges(const decide::cache::Answer& answer, std::uint64_t complete_length);
  void add_cache_status();
  void send_pieces(std::string_view first, std::string_view second, bool end);

  // exchange_beside.cc
  void validate_beside();
  void stand_in_for(Exchange& client);
  bool leave_to_cache();

  // answer.cc
  Verdict answer(int status, const char* reason, Source fault, std::string detail = {});
  void answer_error(int status, const char* reason, Source fault, std::string detail);
  void answer_with(int status, wire::http::Fields& fields, std::string_view body);
  std::string_view new_request_id();
  void answer_grpc(int status, std::string_view message);

  // exchange.cc
  void adopt(const ConnectionFacts& facts, Downstream& downstream);
  void reset();
  void on_phase_timer();
  void on_total_timer();
  void on_hedge_timer();
  void touch();
  void response_sent();
  void end_tunnel_if_both_ended();
  void truncate(const char* reason, Source fault, std::string_view detail);
  void finish();

  WorkerContext& worker_;
  Downstream* downstream_ = nullptr;
  const ConnectionFacts* facts_ = nullptr;
  std::shared_ptr<const WorkerSnapshot> world_;
  const model::Port* port_ = nullptr;

  wire::http::RequestHead head_;
  std::string head_text_;
  std::string path_text_, host_text_, trace_text_;
  Arena arena_;
  wire::uri::PathInfo path_;
  std::string_view host_;
  std::string_view client_text_, client_scheme_, request_id_, trace_id_;
  wire::ip::IpAddress client_address_;

  const model::Listener* listener_ = nullptr;
  const model::Rule* rule_ = nullptr;
  const model::Backend* backend_ = nullptr;
  const model::TrafficPolicy* traffic_ = nullptr;
  RuleStats* rule_stats_ = nullptr;
  std::size_t prefix_bytes_ = 0;
  std::size_t stage_ = 0;
  OriginPool* pool_ = nullptr;

  wire::http::RequestHead out_;          // what attempts send
  std::string target_text_;
  wire::http::Fields response_fields_;
  std::unique_ptr<ResponseFilter> filter_;  // compression
  std::string filtered_;
  std::unique_ptr<AccessCheck> access_;
  std::unique_ptr<MirrorFeed> mirrors_;     // null: nobody gets a copy

  std::unique_ptr<CacheTurn> turn_;         // stays with a recycled exchange; counts when caches_
  std::unique_ptr<NoClient> no_client_;     // what it does is for the cache alone
  wire::http::ResponseHead stored_head_;    // views into what is served
  wire::http::Multipart multipart_;
  wire::http::Fields trailers_of_response_;
  std::string condition_text_, cache_status_;
  WallTime forwarded_at_;
  int origin_status_ = 0;
  std::optional<std::uint64_t> home_;       // a parent edge is asked: whose the URL is

  std::string body_;                     // request body kept for a stream that is not ready, or for replay
  wire::http::Fields trailers_;
  std::vector<Slot*> tried_;
  Attempt first_{*this}, second_{*this};
  Attempt* winner_ = nullptr;
  bool request_done_ = false, replayable_ = true, has_trailers_ = false;
  bool response_started_ = false, response_done_ = false, tunnel_ = false, tunnel_origin_ended_ = false;
  bool close_after_ = false, body_expected_ = false, peer_trusted_ = false;
  bool holds_retry_ = false, fresh_retry_done_ = false, answer_extra_ = false;
  bool caches_ = false, request_built_ = false, is_logged_ = false;

  Phase phase_ = Phase::kIdle;
  Outcome outcome_;
  Instant started_, first_byte_;
  std::uint64_t request_bytes_ = 0, response_bytes_ = 0;
  std::uint32_t attempts_made_ = 0, retries_ = 0;
  io::MemberTimer<&Exchange::on_phase_timer> phase_timer_{this};
  io::MemberTimer<&Exchange::on_total_timer> total_timer_{this};
  io::MemberTimer<&Exchange::on_hedge_timer> hedge_timer_{this};
};

// Makes and recycles exchanges of one worker. Those that ended during a turn are reused from the next turn on, since
// callers further up may still look at them.
class ExchangeStore {
 public:
  explicit ExchangeStore(WorkerContext& worker);
  ~ExchangeStore();
  Exchange& take();
  void give_back(Exchange& exchange);
  // Exchanges in use, for status and for drain.
  List<Exchange, ExchangeTag>& live() { return live_; }
  std::size_t live_count() const { return live_count_; }
  // Ends those that have no client any more.
  void end_all();

 private:
  static constexpr std::size_t kFreeMax = 1024;
  void sweep();

  WorkerContext& worker_;
  List<Exchange, ExchangeTag> live_;
  std::size_t live_count_ = 0;
  std::vector<std::unique_ptr<Exchange>> free_;
  std::vector<std::unique_ptr<Exchange>> ended_;
  io::Deferred sweep_;
};

}  // namespace headgate::proxy
