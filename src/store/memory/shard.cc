#include "store/memory/shard.h"

#include <algorithm>

namespace headgate::store::memory {
namespace {
constexpr std::size_t kBucketsOfEviction = 64;  // that an eviction looks at by the way
constexpr std::size_t kBucketsOfTurn = 1024;    // before the lock is given back

void release_set(void* set, Budget&) { static_cast<VariantSet*>(set)->release(); }

std::uint64_t ghost_id(const Entry& entry, const Object& object) {
  return entry.hash.low ^ scramble64(entry.hash.high + object.secondary());
}
}  // namespace

Shard::Shard(Budget& budget, Epoch& epoch, Generations& generations, std::uint64_t marker_bytes_max)
    : budget_(budget),
      epoch_(epoch),
      generations_(generations),
      slot_(epoch.join()),
      retired_(epoch, budget),
      table_(budget),
      queues_(budget),
      marker_bytes_max_(marker_bytes_max) {}

Shard::~Shard() {
  for (std::size_t i = 0; i < table_.buckets(); ++i)
    while (Entry* entry = table_.bucket(i)) {
      HG_CHECK(entry->flights.empty(), "leads end before the store");
      if (VariantSet* set = entry->variants.load()) {
        const Ref<VariantSet> keep = Ref<VariantSet>::share(set);
        set_variants(*entry, {}, 0);
        for (Object* object : keep->objects()) delist(*object);
      }
      table_.erase(*entry);
      Entry::destroy(entry, budget_);
    }
  epoch_.leave(slot_);
}

Entry& Shard::entry_for(const Key& key) {
  if (Entry* entry = table_.find(key)) return *entry;
  Entry* const entry = Entry::create(budget_, key);
  table_.insert(*entry, retired_);
  return *entry;
}

void Shard::set_variants(Entry& entry, std::span<Object* const> objects, std::uint64_t freeing) {
  VariantSet* const set = objects.empty() ? nullptr : VariantSet::create(budget_, objects);
  VariantSet* const before = entry.variants.exchange(set, std::memory_order_seq_cst);
  if (before) retired_.add(before, release_set, freeing);
}

// After the set without it is published, so that who finds it unlisted finds the new set as well.
void Shard::delist(Object& object) {
  object.listed_.store(false, std::memory_order_seq_cst);
  queues_.erase(object);
  object.entry_ = nullptr;
  generations_.leave(object.life_, object.labels());
  counters_.objects.add(-1);
}

void Shard::list(Entry& entry, Object& object, Object* replaced) {
  std::array<Object*, kVariantsMax> kept{&object};
  std::array<Object*, kVariantsMax + 1> gone{};
  std::size_t kept_count = 1, gone_count = 0;
  if (VariantSet* set = entry.variants.load(std::memory_order_relaxed)) {
    for (Object* other : set->objects()) {
      if (other == replaced || kept_count == kVariantsMax)
        gone[gone_count++] = other;
      else
        kept[kept_count++] = other;
    }
  }
  object.entry_ = &entry;
  object.listed_.store(true, std::memory_order_release);
  counters_.objects.add(1);
  std::uint64_t freeing = 0;
  for (std::size_t i = 0; i < gone_count; ++i)
    freeing += gone[i] == replaced ? 0 : gone[i]->charge();
  set_variants(entry, std::span(kept).first(kept_count), freeing);
  for (std::size_t i = 0; i < gone_count; ++i) {
    if (gone[i] == replaced && replaced->queued())
      queues_.replace(*replaced, object, object.charge());
    delist(*gone[i]);
  }
}

// Takes the object out of the table. The rest of it lives until its readers are done.
void Shard::drop(Object& object, std::uint64_t freeing) {
  Entry* const entry = object.entry_;
  if (!entry) return;
  std::array<Object*, kVariantsMax> kept{};
  std::size_t count = 0;
  for (Object* other : entry->variants.load(std::memory_order_relaxed)->objects())
    if (other != &object) kept[count++] = other;
  set_variants(*entry, std::span(kept).first(count), freeing);
  delist(object);
  tidy(*entry);
}

// An entry without variants, flights and marker goes.
void Shard::tidy(Entry& entry) {
  const bool used =
      entry.variants.load(std::memory_order_relaxed) || !entry.flights.empty() || entry.linked();
  if (used) return;
  table_.erase(entry);
  retired_.add(&entry, Entry::destroy, charge_of(entry.allocated()));
}

// At the end of each change: what nobody can see is freed, and who makes room sees how much is
// here.
void Shard::settle() {
  retired_.reclaim();
  resident_.store(queues_.bytes(), std::memory_order_relaxed);
}

void Shard::enqueue(Object& object) {
  if (queues_.insert(object, ghost_id(*object.entry_, object), object.charge()))
    object.seen_before_.store(true, std::memory_order_relaxed);
  counters_.stored.add();
}

void Shard::complete(Object& object) {
  const std::lock_guard hold(mutex_);
  Entry* const entry = object.entry_;
  if (entry) {
    // What it replaces stayed until now, because a fill may fail.
    const Ref<VariantSet> set =
        Ref<VariantSet>::share(entry->variants.load(std::memory_order_relaxed));
    bool older = false;
    for (Object* other : set->objects()) {
      if (older && other->same_variant(object)) drop(*other, other->charge());
      older |= other == &object;
    }
    enqueue(object);
  }
  settle();
}

void Shard::unlist(Object& object) {
  const std::lock_guard hold(mutex_);
  drop(object, 0);
  if (object.body()->passing()) counters_.passed_through.add();
  settle();
}

void Shard::purge(const Key& key, Purge how) {
  const std::lock_guard hold(mutex_);
  Entry* const entry = table_.find(key);
  if (!entry) return;
  const Standing purged{how == Purge::kHard, how == Purge::kSoft};
  for (Flight* flight = entry->flights.empty() ? nullptr : &entry->flights.front(); flight;
       flight = entry->flights.next_of(*flight))
    flight->purged.add(purged);
  const Ref<VariantSet> set =
      Ref<VariantSet>::share(entry->variants.load(std::memory_order_relaxed));
  if (!set) return;
  for (Object* object : set->objects()) {
    if (how == Purge::kSoft) {
      object->life_.stale.store(true, std::memory_order_relaxed);
    } else {
      counters_.purged.add();
      drop(*object, object->charge());
    }
  }
  settle();
}

bool Shard::evict() {
  const std::lock_guard hold(mutex_);
  const std::uint64_t resident_before = queues_.bytes();
  if (generations_.last_hard() > swept_) sweep_some(kBucketsOfEviction);
  bool freed = queues_.bytes() < resident_before;
  if (!freed) {
    if (Resident* evicted = queues_.evict()) {
      auto& object = static_cast<Object&>(*evicted);
      counters_.evicted.add();
      drop(object, object.charge());
      freed = true;
    } else if (!markers_.empty()) {
      Entry& oldest = markers_.front();
      unmark(oldest);
      tidy(oldest);
      freed = true;
    }
  }
  settle();
  return freed;
}

void Shard::sweep() {
  std::unique_lock hold(mutex_);
  sweep_at_ = 0;
  while (!sweep_some(kBucketsOfTurn)) {
    settle();
    hold.unlock();
    hold.lock();
  }
  settle();
}

bool Shard::sweep_some(std::size_t buckets) {
  if (sweep_at_ >= table_.buckets()) sweep_at_ = 0;
  if (sweep_at_ == 0) sweep_from_ = generations_.now();
  for (; buckets > 0 && sweep_at_ < table_.buckets(); --buckets, ++sweep_at_)
    for (Entry *entry = table_.bucket(sweep_at_), *next = nullptr; entry; entry = next) {
      next = entry->next.load(std::memory_order_relaxed);
      sweep_entry(*entry);
    }
  if (sweep_at_ < table_.buckets()) return false;
  sweep_at_ = 0;
  swept_ = sweep_from_;
  return true;
}

void Shard::sweep_entry(Entry& entry) {
  const Ref<VariantSet> set =
      Ref<VariantSet>::share(entry.variants.load(std::memory_order_relaxed));
  if (!set) return;
  for (Object* object : set->objects()) {
    Standing standing;
    {
      const Epoch::Pin pin(epoch_, slot_);
      standing = generations_.standing(object->life_, object->labels(), entry.locator());
    }
    if (standing.gone) {
      counters_.purged.add();
      drop(*object, object->charge());
    } else if (generations_.prefix_rules() > 0) {
      generations_.forget_past(object->life_);
    }
  }
}

std::uint64_t Shard::ghosts() {
  const std::lock_guard hold(mutex_);
  return queues_.ghosts();
}

std::uint64_t Shard::keys() {
  const std::lock_guard hold(mutex_);
  return table_.size();
}

}  // namespace headgate::store::memory
