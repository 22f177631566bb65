// Large objects: served out of slices, and one slice fetched.
#include "decide/cache/answer.h"
#include "decide/cache/control.h"
#include "decide/cache/partial.h"
#include "decide/cache/record.h"
#include "roles/proxy/cache/cache_turn.h"
#include "roles/proxy/cache/stored_head.h"
#include "roles/proxy/exchange.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace rules = decide::cache;
using store::memory::Lead;
using store::memory::Purge;

bool CacheTurn::may_slice(const http::Fields& response) const {
  const bool fits = cache_.shared.memory().options().object_bytes_max >= kSliceBytes &&
                    record_.complete_length <= store::disk::kSlicedBytesMax;
  return fits && !slices_failed_ && rules::is_fetched_in_parts(record_, response);
}

CacheTurn::Next CacheTurn::first_slice() {
  http::Fields fields;
  if (!read_stored_head(stored_->head(), fields)) return give_up();
  const http::Field* tag = http::find(fields, http::FieldId::kEtag);
  const rules::Answer answer = rules::answer_from_store(exchange_.head().fields, facts_, record_,
                                                        tag ? tag->value : std::string_view());
  if (!answer.has_content) return Next::kServe;
  slices_.open({cache_key(), series_});
  awaits_slice_ = false;
  const std::uint64_t first = answer.ranges.count > 0 ? answer.ranges[0].first : 0;
  switch (slices_.find(static_cast<std::uint32_t>(first / kSliceBytes))) {
    case Slices::Have::kBody: return Next::kServe;
    case Slices::Have::kFailed: return give_up();
    case Slices::Have::kWait: break;
  }
  awaits_slice_ = true;
  if (status_.hit) {
    status_.hit = false;
    status_.forward = http::CacheStatus::Forward::kPartial;
  }
  return Next::kWait;
}

void CacheTurn::fetch_slice(Lead lead, std::uint32_t slice) {
  exchange_.fetch_slice(std::move(lead), slice);
}

CacheTurn::Next CacheTurn::begin_slice(const CacheTurn& client, Lead lead, std::uint32_t slice) {
  stand_in_for(client);
  series_ = client.series_;
  set_key(cache_.keys.slice(client.cache_key(), series_, slice));
  slice_.emplace(range_of_slice(slice, record_.complete_length), client.stored_, client.key_bytes_,
                 client.hash_);
  http::Fields fields;
  if (read_stored_head(slice_->whole->head(), fields))
    if (const http::Field* tag = http::find(fields, http::FieldId::kEtag)) slice_->tag = tag->value;
  return forward(std::move(lead));
}

void CacheTurn::add_range(std::string& storage, http::Fields& out) const {
  rules::append_part_request(slice_->range, slice_->tag, storage, out);
}

bool CacheTurn::keep_slice(const Arrived& arrived) {
  const http::Fields& response = arrived.head.fields;
  const http::Field* tag = http::find(response, http::FieldId::kEtag);
  const model::StoredResponse part =
      rules::describe(arrived.head.status, response, rules::governing_control(response, *policy_),
                      arrived.times, std::nullopt);
  const auto outcome = rules::judge_part(part, tag ? tag->value : std::string_view(), record_,
                                         slice_->tag, slice_->range);
  if (outcome == rules::PartOutcome::kPart) {
    store::memory::Draft draft = draft_of({}, {});
    draft.body_bytes = slice_->range.size();
    if (auto fill = lead_->fill(draft)) {
      lead_.reset();
      fill_.emplace(std::move(*fill));
      filled_ = 0;
      stored_ = fill_->object();
      return true;
    }
  }
  if (outcome == rules::PartOutcome::kChanged) forget_whole();
  lead_->pass(Instant{});
  lead_.reset();
  return false;
}

// Its head promises what the origin does not have.
void CacheTurn::forget_whole() {
  const rules::CacheKey key{
      slice_->whole_key, slice_->whole_hash, locator_offset_, locator_bytes_, {}};
  cache_.shared.memory().purge_key(store_key(key), Purge::kHard);
  forget_on_disk(*slice_->whole, slice_->whole_hash);
}

}  // namespace headgate::proxy
