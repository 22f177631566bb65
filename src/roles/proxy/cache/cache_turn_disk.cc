// What the disk has of what the memory has not, and what it is given.
#include "decide/cache/freshness.h"
#include "decide/cache/vary.h"
#include "roles/proxy/cache/cache_turn.h"
#include "roles/proxy/cache/cached_record.h"
#include "roles/proxy/cache/labels.h"
#include "roles/proxy/cache/purge_book.h"
#include "roles/proxy/cache/stored_head.h"
#include "roles/proxy/exchange.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace rules = decide::cache;
using store::memory::BodyReader;
using store::memory::BodyState;
using store::memory::Object;
using store::memory::Ref;

namespace {

constexpr SipKey kSelectorKey{0x53656c6563746f72,
                              0x206f6e206469736b};  // not secret: the key's hash is
constexpr std::int64_t kValidatedFor = std::int64_t{30} * 86'400 * 1'000'000'000;

store::disk::Hash128 disk_hash(Hash128 hash) { return {hash.low, hash.high}; }

// What the disk keeps alive until it has written.
struct HandedDown {
  Ref<Object> object;
  std::string key;
  std::string selector;
};

// After that it cannot be used in any way.
WallTime expiry_of(const model::StoredResponse& record, const model::CachePolicy& policy) {
  using model::StoredFlag;
  const bool has_validator = (record.flags & (StoredFlag::kHasStrongTag | StoredFlag::kHasWeakTag |
                                              StoredFlag::kHasLastModified)) != 0;
  const std::int64_t stale = std::max(rules::stale_while_revalidate_ns(record, policy),
                                      rules::stale_if_error_ns(record, policy));
  const std::int64_t more = has_validator ? std::max(stale, kValidatedFor) : stale;
  return {record.response_time_ns + rules::lifetime_ns(record, policy) + more};
}

store::disk::ObjectId disk_id(Hash128 hash, std::string_view selector) {
  store::disk::ObjectId id;
  id.primary = disk_hash(hash);
  if (!selector.empty()) id.variant = disk_hash(SipHash<>::hash(selector, kSelectorKey));
  return id;
}

}  // namespace

// Who leads asks the disk before the origin; others wait for what it finds.
bool CacheTurn::asks_disk() {
  if (std::exchange(has_asked_disk_, true) || !may_store_) return false;
  auto disk = cache_.shared.disk();
  if (!disk) return false;
  store::disk::Lookup lookup;
  lookup.id = disk_id(hash_, {});
  lookup.key = key_bytes_;
  question_ = std::make_shared<DiskQuestion>(*this, cache_.loop, std::move(disk));
  if (question_->ask(std::move(lookup))) return true;
  question_.reset();
  return false;
}

void CacheTurn::on_disk() { exchange_.resume_from_cache(); }

// A record without a body names the Vary of the key: the variant is asked for next.
CacheTurn::Next CacheTurn::from_disk() {
  if (!question_->is_answered()) return Next::kWait;
  const auto answered = std::exchange(question_, nullptr);
  const auto& object = answered->object();
  const bool names_vary = object && object->selector().empty() && object->metadata().empty();
  if (names_vary) {
    std::string selector;
    rules::append_key_like(selector, object->head(), exchange_.request_as_sent());
    store::disk::Lookup lookup;
    lookup.id = disk_id(hash_, selector);
    lookup.key = key_bytes_;
    lookup.selector = selector;
    question_ = std::make_shared<DiskQuestion>(*this, cache_.loop, answered->disk());
    if (question_->ask(std::move(lookup))) return Next::kWait;
    question_.reset();
    return forward(std::move(*lead_));
  }
  if (object) promote(*answered);
  if (lead_) return forward(std::move(*lead_));
  if (slice_) return Next::kServe;
  return choose(cache_.reader.find(key(), exchange_.now()));
}

// Into the memory, complete, so that waiters and later requests have it. The lead stays when it
// cannot be used.
void CacheTurn::promote(const DiskQuestion& answered) {
  const store::disk::Object& object = *answered.object();
  CachedRecord record;
  if (object.metadata().size() != sizeof record) return;
  std::memcpy(&record, object.metadata().data(), sizeof record);
  const auto standing = cache_.shared.purges().standing(object.stamps(), key().locator);
  http::Fields fields;
  const bool is_sound = record.response.version == model::StoredResponse::kVersion &&
                        !standing.gone && read_stored_head(object.head(), fields);
  if (!is_sound) return;
  record_ = record.response;
  series_ = record.series;
  born_ = record.born;
  selector_.assign(object.selector());
  store::memory::Draft draft = draft_of(fields, fields);
  draft.body_bytes = object.body_bytes();
  auto fill = lead_->fill(draft);
  if (!fill) return;
  lead_.reset();
  fill->object()->hand_down();
  for (const store::disk::Bytes& bytes : answered.body()) fill->append(bytes.view);
  fill->complete();
  if (standing.stale) cache_.shared.memory().purge_key(key(), store::memory::Purge::kSoft);
}

// At its second use. Nothing waits for it.
void CacheTurn::hand_down() { hand_down(stored_, cache_key()); }

void CacheTurn::hand_down(const Ref<Object>& kept, const rules::CacheKey& key) {
  if (kept->handed_down() || kept->body()->state() != BodyState::kComplete) return;
  auto disk = cache_.shared.disk();
  if (!disk || kept->hand_down()) return;
  http::Fields fields;
  if (!read_stored_head(kept->head(), fields)) return;
  collect_labels(fields);
  if (cache_.labels.size() + 1 > store::disk::kStampsMax) return;
  auto owner = std::make_shared<HandedDown>(
      HandedDown{kept, std::string(key.bytes), std::string(kept->selector())});
  const auto record = kept->metadata_as<CachedRecord>();
  store::disk::NewObject object;
  object.id = disk_id(key.hash, owner->selector);
  object.expires_at = expiry_of(record.response, *policy_);
  object.stamps.push_back(record.born);
  for (const std::string_view label : cache_.labels) object.stamps.push_back(label_hash(label));
  object.metadata = kept->metadata();
  object.key = owner->key;
  object.selector = owner->selector;
  object.head = kept->head();
  BodyReader reader(kept->body(), cache_.wakes, *this);
  object.body.resize(kept->body()->length() / store::memory::kBlockBytesNext + 2);
  object.body.resize(reader.gather(object.body, UINT64_MAX));
  object.owner = owner;
  disk->put(object, [](store::disk::WriteOutcome) {});
  if (owner->selector.empty()) return;
  object.id = disk_id(key.hash, {});
  object.metadata = object.selector = {};
  object.head = owner->selector;
  object.body.clear();
  disk->put(std::move(object), [](store::disk::WriteOutcome) {});
}

void CacheTurn::forget_on_disk() {
  if (stored_) forget_on_disk(*stored_, hash_);
}

void CacheTurn::forget_on_disk(const Object& kept, Hash128 hash) {
  if (!kept.handed_down()) return;
  kept.take_back();
  if (auto disk = cache_.shared.disk())
    disk->remove(disk_id(hash, kept.selector()), [](store::disk::WriteOutcome) {});
}

}  // namespace headgate::proxy
