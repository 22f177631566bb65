#pragma once
// What one exchange does with the cache: finds, claims, waits for somebody else's fetch, keeps what
// comes. Joins the decisions (decide/cache) with the store; what is sent to whom is the exchange's
// (exchange_cache.cc). Belongs to an exchange and is used again with it. Worker thread.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "decide/cache/age.h"
#include "decide/cache/answer.h"
#include "decide/cache/error.h"
#include "decide/cache/request.h"
#include "decide/cache/reuse.h"
#include "model/route.h"
#include "roles/proxy/cache/cached_record.h"
#include "roles/proxy/cache/disk_question.h"
#include "roles/proxy/cache/shield.h"
#include "roles/proxy/cache/slices.h"
#include "roles/proxy/cache/stored_reply.h"
#include "roles/proxy/cache/worker_cache.h"
#include "roles/proxy/stats.h"
#include "wire/http/cache_status.h"

namespace headgate::proxy {

class Exchange;

class CacheTurn final : public store::memory::Wakeable {
 public:
  enum class Next : std::uint8_t {
    kServe,           // stored() answers
    kServeStale,      // the same, and it is validated beside
    kForward,         // to the origin: to fetch, to validate, or past the cache
    kWait,            // for somebody else's fetch: the exchange is woken
    kGatewayTimeout,  // only-if-cached, and nothing is
  };

  CacheTurn(Exchange& exchange, WorkerCache& cache)
      : exchange_(exchange), cache_(cache), slices_(*this, cache) {}
  void reset();

  // The beginning of a request of a rule with a policy.
  Next begin(const model::Rule& rule);
  // After a wake-up while is_waiting().
  Next look_again();
  bool is_waiting() const { return waiter_ || question_ || awaits_slice_; }
  // What was served cannot be read any more: it is fetched for this client alone.
  Next give_up();
  // What comes from here on is for this client alone: it is sent what the client asked.
  void pass_by();
  // It waited long enough: the request is forwarded for this client alone.
  void stop_waiting();
  // Of a stale response that is served: the right to validate it, if nobody does. Empty otherwise.
  std::optional<store::memory::Lead> claim_validation();
  // A validation beside: `client`'s response, validated for nobody in particular.
  void begin_validation(const CacheTurn& client, store::memory::Lead lead);

  // A large object, of which stored() is the head alone (cache_turn_slices.cc). Before it is
  // served: the slice that the answer begins with, so that an origin which does not send it costs
  // no client its answer.
  bool is_sliced() const { return series_ != 0 && !slice_; }
  Next first_slice();
  Slices& slices() { return slices_; }
  // A fetch beside: one slice of what `client` serves.
  Next begin_slice(const CacheTurn& client, store::memory::Lead lead, std::uint32_t slice);
  bool is_slice() const { return slice_.has_value(); }

  void fetch_slice(store::memory::Lead lead, std::uint32_t slice);
  // To the disk, what is used for the second time.
  void hand_down(const store::memory::Ref<store::memory::Object>& kept,
                 const decide::cache::CacheKey& key);

  // The request to the origin. Whether what comes may be kept.
  bool may_store() const { return may_store_; }
  bool withholds(const wire::http::Field& field) const;  // of the client's fields
  // Appends the conditions of a validation; `storage` holds their text.
  void add_conditions(std::string& storage, wire::http::Fields& out);
  // The same for a slice: its range.
  void add_range(std::string& storage, wire::http::Fields& out) const;
  bool is_validating() const { return is_validating_; }
  // The parents that are asked in place of the backends; null: the backends are.
  const model::CacheShield* shield() const;
  std::string_view instance() const { return cache_.shared.instance(); }

  // The answer of the origin.
  struct Arrived {
    const wire::http::ResponseHead& head;
    decide::cache::ExchangeTimes times;
    std::string_view date;     // now, for a response without one
    bool is_complete = false;  // the head was all
  };
  // Keeps it if it may be kept: then stored() fills, and is_filling(); or is_sliced(), and what the
  // origin sends is not needed.
  decide::cache::Reason keep(const Arrived& arrived, const wire::http::Fields& request);
  // Of is_slice(). False: it is not the slice, and nothing is kept.
  bool keep_slice(const Arrived& arrived);
  // A 304 to our validation. False: it is about something else, and the request has to be sent
  // again without conditions.
  bool freshen(const Arrived& arrived);
  // What to do about a failed validation or fetch. `status` 0: no answer came.
  decide::cache::ErrorUse on_failure(int status);
  // An answer to HEAD, or to what may change things.
  void note_head(const Arrived& arrived);
  void note_unsafe(int status, const wire::http::Fields& response);

  // The body of what is kept.
  bool is_filling() const { return fill_.has_value(); }
  // False: stop reading from the origin until Exchange::fill_has_room().
  bool append(std::string_view bytes);
  void complete();
  void fail();
  bool is_read_by_others() const;
  bool is_passing() const { return fill_ && fill_->passing(); }

  // What is served.
  const store::memory::Ref<store::memory::Object>& stored() const { return stored_; }
  const model::StoredResponse& record() const { return record_; }
  const decide::cache::RequestFacts& facts() const { return facts_; }
  const decide::cache::Reuse& reuse() const { return reuse_; }
  const model::CachePolicy* policy() const { return policy_; }
  StoredReply& reply() { return reply_; }
  void open_reply() { reply_.open(cache_.wakes, *this); }

  // The member of Cache-Status. `status`: what the origin answered, 0 when it was not asked.
  void append_status(std::string& out, int status) const;
  const wire::http::CacheStatus& status() const { return status_; }
  CacheResult result() const;
  decide::cache::KeyInput url() const;

  void on_wake() override;
  // The disk answered.
  void on_disk();

 private:
  using View = store::memory::View;
  Next find();
  Next choose(View view);
  Next adopt(const store::memory::Ref<store::memory::Object>& found);
  Next forward(store::memory::Lead lead);
  Next forward_head();
  Next forward_alone();
  void stand_in_for(const CacheTurn& client);
  bool may_slice(const wire::http::Fields& response) const;
  void forget_whole();
  void set_key(const decide::cache::CacheKey& key);
  decide::cache::CacheKey cache_key() const;
  void take_record(const store::memory::Object& object);
  // cache_turn_disk.cc
  bool asks_disk();
  Next from_disk();
  void promote(const DiskQuestion& answered);
  void hand_down();
  void forget_on_disk();
  void forget_on_disk(const store::memory::Object& kept, Hash128 hash);
  std::optional<std::size_t> select(const View& view);
  std::uint64_t secondary_of(std::string_view like);
  decide::cache::Mark mark_of(bool is_stale) const;
  void name_status();
  void release_room();
  void end_lead(decide::cache::Reason reason);
  void refuse_late();
  store::memory::Draft draft_of(const wire::http::Fields& fields,
                                const wire::http::Fields& response);
  void save(const wire::http::Fields& fields, decide::cache::Reason reason);
  void collect_labels(const wire::http::Fields& response);
  store::memory::Key key() const;

  Exchange& exchange_;
  WorkerCache& cache_;
  const model::Rule* rule_ = nullptr;
  const model::CachePolicy* policy_ = nullptr;
  decide::cache::RequestFacts facts_;
  decide::cache::Reuse reuse_;
  wire::http::CacheStatus status_;

  std::string key_bytes_;
  Hash128 hash_;
  std::uint32_t locator_offset_ = 0, locator_bytes_ = 0;
  std::uint64_t secondary_ = 0;
  std::string selector_;

  store::memory::Ref<store::memory::Object> stored_;
  CachedRecord metadata_;  // what draft_of() views
  model::StoredResponse record_;
  std::uint64_t born_ = 0;    // PurgeBook's moment as the fetch began
  std::uint64_t series_ = 0;  // CachedRecord::series of stored_
  decide::cache::Mark mark_;
  std::optional<store::memory::Lead> lead_;
  std::optional<store::memory::Waiter> waiter_;
  std::shared_ptr<DiskQuestion> question_;  // what the disk is being asked
  std::optional<store::memory::Fill> fill_;
  std::optional<store::memory::Wakeup> room_;
  std::uint64_t filled_ = 0;
  Slices slices_;
  StoredReply reply_;
  // Of a fetch of one slice: which bytes, and of what.
  struct SliceOf {
    wire::http::ByteRange range;
    store::memory::Ref<store::memory::Object> whole;
    std::string whole_key;
    Hash128 whole_hash;
    std::string tag;
  };
  std::optional<SliceOf> slice_;

  Asker asker_ = Asker::kClient;
  bool may_store_ = false;  // what comes may be kept: the request is sent as the cache's own
  bool has_asked_disk_ = false, is_confirmed_ = false;
  bool has_waited_ = false, is_validating_ = false, is_waiting_for_room_ = false;
  bool awaits_slice_ = false, slices_failed_ = false;
};

}  // namespace headgate::proxy
