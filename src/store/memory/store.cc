#include "store/memory/store.h"

#include <bit>

namespace headgate::store::memory {
namespace {
std::uint32_t labels_max(const Options& options) {
  return static_cast<std::uint32_t>(
      std::min<std::uint64_t>(options.labels_max, options.bytes_max / kBytesPerLabelMin));
}
}  // namespace

Store::Store(const Options& options)
    : options_(options),
      budget_(options.bytes_max),
      epoch_(std::make_unique<Epoch>()),
      generations_(*epoch_, budget_, labels_max(options)) {
  HG_CHECK(options.bytes_max >= kStoreBytesMin, "a store has room for its tables");
  HG_CHECK(std::has_single_bit(options.shards) && options.shards <= kShardsMax,
           "shards are a power of two");
  budget_.charge(sizeof(Epoch) + options.shards * sizeof(Shard));
  const std::uint64_t marker_bytes_max = options.bytes_max / options.shards / kMarkerShare;
  for (std::uint32_t i = 0; i < options.shards; ++i)
    shards_.push_back(std::make_unique<Shard>(budget_, *epoch_, generations_, marker_bytes_max));
}

Store::~Store() {
  HG_CHECK(readers_.empty(), "readers go before the store");
  budget_.discharge(sizeof(Epoch) + options_.shards * sizeof(Shard));
}

Claim Store::claim(const Key& key, std::uint64_t secondary, const View& seen, Instant now,
                   WakeQueue& queue, Wakeable& target) {
  if (key.bytes.size() > kKeyBytesMax) return FetchAlone{};
  Shard& shard = shard_of(key.hash);
  auto wakeup = std::make_unique<Wakeup>(queue, target);
  Shard::Claimed claimed = shard.claim(key, secondary, seen.set(), now, wakeup->waker());
  switch (claimed.as) {
    case Shard::Claimed::As::kChanged: return std::move(claimed.view);
    case Shard::Claimed::As::kLeader: return Lead(*this, shard, std::move(claimed.flight));
    case Shard::Claimed::As::kWaiter:
      return Waiter(*this, shard, std::move(claimed.flight), std::move(wakeup));
    case Shard::Claimed::As::kPass: break;
  }
  return FetchAlone{};
}

std::optional<Lead> Store::lead_alone(const Key& key, std::uint64_t secondary) {
  if (key.bytes.size() > kKeyBytesMax) return {};
  Shard& shard = shard_of(key.hash);
  return Lead(*this, shard, shard.lead_alone(key, secondary));
}

Status Store::purge_prefix(std::string_view prefix, Purge how) {
  if (prefix.size() > kPrefixBytesMax)
    return fail(Code::kInvalid, "purge: a prefix of more than 8 KiB", Source::kClient);
  if (generations_.purge_prefix(prefix, how)) return {};
  sweep();
  if (generations_.purge_prefix(prefix, how)) return {};
  return fail(Code::kExhausted,
              "purge: 64 prefix purges wait for fetches that began before them; try again later");
}

void Store::sweep() {
  for (const auto& shard : shards_) shard->sweep();
}

std::uint64_t Store::pending_bytes() const {
  std::uint64_t bytes = 0;
  for (const auto& shard : shards_) bytes += shard->pending_bytes();
  return bytes;
}

Shard& Store::fullest() const {
  Shard* most = shards_.front().get();
  for (const auto& shard : shards_)
    if (shard->resident_bytes() > most->resident_bytes()) most = shard.get();
  return *most;
}

bool Store::make_room() {
  while (budget_.used() > options_.bytes_max) {
    // What was evicted under the eyes of a find comes back in a moment.
    if (budget_.used() <= options_.bytes_max + pending_bytes()) return true;
    if (fullest().evict()) continue;
    bool freed = false;
    for (const auto& shard : shards_) freed = freed || shard->evict();
    if (!freed) return false;
  }
  return true;
}

Counts Store::counts() {
  Counts c;
  {
    const std::lock_guard hold(readers_mutex_);
    c = past_readers_;
    for (const Reader* reader : readers_) {
      c.hits += reader->hits_.value();
      c.misses += reader->misses_.value();
    }
  }
  for (const auto& shard : shards_) {
    const ShardCounters& of = shard->counters();
    c.stored += of.stored.value();
    c.evicted += of.evicted.value();
    c.purged += of.purged.value();
    c.passed_through += of.passed_through.value();
    c.collapsed += of.collapsed.value();
    c.handed_over += of.handed_over.value();
    c.marked += of.marked.value();
    c.objects += static_cast<std::uint64_t>(of.objects.value());
    c.keys += shard->keys();
    c.ghosts += shard->ghosts();
  }
  c.labels = generations_.labels();
  c.label_overflows = generations_.label_overflows();
  c.prefix_rules = generations_.prefix_rules();
  c.bytes_used = budget_.used();
  c.bytes_max = options_.bytes_max;
  return c;
}

Reader::Reader(Store& store) : store_(store), slot_(store.epoch_->join()) {
  const std::lock_guard hold(store_.readers_mutex_);
  store_.readers_.push_back(this);
}

Reader::~Reader() {
  store_.epoch_->leave(slot_);
  const std::lock_guard hold(store_.readers_mutex_);
  std::erase(store_.readers_, this);
  store_.past_readers_.hits += hits_.value();
  store_.past_readers_.misses += misses_.value();
}

View Reader::find(const Key& key, Instant now) {
  View view;
  {
    const Epoch::Pin pin(*store_.epoch_, slot_);
    if (const Entry* entry = store_.shard_of(key.hash).table().find(key))
      view = View(*entry, store_.generations_, now);
  }
  (view.empty() ? misses_ : hits_).add();
  return view;
}

}  // namespace headgate::store::memory
