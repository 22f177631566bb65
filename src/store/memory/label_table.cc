#include "store/memory/label_table.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/hash.h"

namespace headgate::store::memory {
LabelTable::LabelTable(Budget& budget, std::uint32_t labels_max)
    : budget_(budget),
      labels_max_(std::min(labels_max, kRowsOfChunk * kChunksMax - 1)),
      buckets_(64, kShared, budget),
      absent_(budget) {
  auto* chunk = static_cast<Row*>(budget_.allocate(sizeof(Row) * kRowsOfChunk));
  for (std::uint32_t i = 0; i < kRowsOfChunk; ++i) ::new (chunk + i) Row;
  chunks_[0].store(chunk, std::memory_order_release);
}

LabelTable::~LabelTable() {
  for (LabelId id = 1; id < rows_; ++id)
    if (row(id).label) budget_.release(row(id).label, row(id).label_bytes);
  for (const auto& chunk : chunks_)
    if (Row* rows = chunk.load(std::memory_order_relaxed))
      budget_.release(rows, sizeof(Row) * kRowsOfChunk);
}

LabelId LabelTable::find(std::string_view label, std::uint64_t hash) const {
  LabelId id = buckets_[hash & (buckets_.size() - 1)];
  for (; id != kShared; id = row(id).next) {
    const Row& r = row(id);
    if (r.hash == hash && std::string_view(r.label, r.label_bytes) == label) break;
  }
  return id;
}

LabelId LabelTable::take_row() {
  if (free_ != kShared) {
    const LabelId id = free_;
    free_ = row(id).next;
    return id;
  }
  if (rows_ > labels_max_) return kShared;
  const std::uint32_t at = rows_ / kRowsOfChunk;
  if (!chunks_[at].load(std::memory_order_relaxed)) {
    auto* chunk = static_cast<Row*>(budget_.allocate(sizeof(Row) * kRowsOfChunk));
    for (std::uint32_t i = 0; i < kRowsOfChunk; ++i) ::new (chunk + i) Row;
    chunks_[at].store(chunk, std::memory_order_release);
  }
  return rows_++;
}

void LabelTable::name_row(LabelId id, std::string_view label, std::uint64_t hash) {
  if (live_.load(std::memory_order_relaxed) >= buckets_.size()) grow_buckets();
  Row& named = row(id);
  named.label = static_cast<char*>(budget_.allocate(label.size()));
  if (!label.empty()) std::memcpy(named.label, label.data(), label.size());
  named.label_bytes = static_cast<std::uint32_t>(label.size());
  named.hash = hash;
  const AbsentPurges::Stamps before = absent_.of(hash);
  named.stamps.purge(Purge::kHard, before.hard);
  named.stamps.purge(Purge::kSoft, before.soft);
  named.next = std::exchange(buckets_[hash & (buckets_.size() - 1)], id);
  live_.fetch_add(1, std::memory_order_relaxed);
}

LabelTable::Held LabelTable::hold(std::string_view label, Stamp born) {
  const std::uint64_t hash = hash64(label);
  LabelId id = find(label, hash);
  if (id == kShared) {
    id = take_row();
    if (id == kShared) {
      overflows_.fetch_add(1, std::memory_order_relaxed);
      return {kShared, absent_.of(hash).of(born)};
    }
    name_row(id, label, hash);
  }
  ++row(id).holders;
  return {id, standing(id, born)};
}

void LabelTable::drop(LabelId id) {
  if (id != kShared && --row(id).holders == 0) free_row(id);
}

void LabelTable::free_row(LabelId id) {
  Row& freed = row(id);
  absent_.add(freed.hash, {freed.stamps.hard, freed.stamps.soft});
  LabelId* link = &buckets_[freed.hash & (buckets_.size() - 1)];
  while (*link != id) link = &row(*link).next;
  *link = freed.next;
  budget_.release(std::exchange(freed.label, nullptr), freed.label_bytes);
  freed.next = std::exchange(free_, id);
  live_.fetch_sub(1, std::memory_order_relaxed);
}

void LabelTable::purge(std::string_view label, Purge how, Stamp at) {
  const std::uint64_t hash = hash64(label);
  const LabelId id = find(label, hash);
  if (id == kShared)
    absent_.add(hash,
                how == Purge::kHard ? AbsentPurges::Stamps{at, 0} : AbsentPurges::Stamps{0, at});
  else
    row(id).stamps.purge(how, at);
  // Somebody who found the table full may carry the label as well.
  row(kShared).stamps.purge(how, at);
}

void LabelTable::grow_buckets() {
  std::fill(buckets_.begin(), buckets_.end(), kShared);
  buckets_.resize(buckets_.size() * 2, kShared);
  for (LabelId id = 1; id < rows_; ++id) {
    Row& r = row(id);
    if (!r.label) continue;
    LabelId& bucket = buckets_[r.hash & (buckets_.size() - 1)];
    r.next = std::exchange(bucket, id);
  }
}

}  // namespace headgate::store::memory
