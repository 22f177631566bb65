#pragma once
// Labels of objects (namespace, host, tag; to the store just bytes) as dense ids, each with the
// stamp of its last purge. A purge writes one word; an object whose stamp is older is gone. Rows
// are counted by the objects that carry them and freed with the last.
//
// No purge is ever forgotten, though memory is bounded. A fill that began before a purge may bring
// a label that had no row when the purge came, or whose row was freed since: AbsentPurges keeps
// those, and a new row begins with what it knows. Labels beyond the limit share row 0, which every
// purge of a label stamps too. Both can only make an object go too early.
#include <array>
#include <atomic>
#include <cstdint>
#include <string_view>

#include "store/memory/absent_purges.h"
#include "store/memory/budget.h"
#include "store/memory/stamp.h"

namespace headgate::store::memory {

class LabelTable {
 public:
  LabelTable(Budget& budget, std::uint32_t labels_max);
  ~LabelTable();

  // These under the lock of Generations.
  struct Held {
    LabelId id;
    Standing standing;  // of an object of that age with this label
  };
  Held hold(std::string_view label, Stamp born);
  void drop(LabelId id);
  void purge(std::string_view label, Purge how, Stamp at);

  // Any thread, for an id that is held or was a moment ago.
  Standing standing(LabelId id, Stamp born) const { return row(id).stamps.of(born); }

  std::uint32_t size() const { return live_.load(std::memory_order_relaxed); }
  std::uint64_t overflows() const { return overflows_.load(std::memory_order_relaxed); }

 private:
  static constexpr std::uint32_t kRowsOfChunk = 512;
  static constexpr std::uint32_t kChunksMax = 4096;
  static constexpr LabelId kShared = 0;
  struct Row {
    PurgeStamps stamps;
    char* label = nullptr;
    std::uint32_t label_bytes = 0;
    std::uint32_t holders = 0;
    std::uint64_t hash = 0;
    LabelId next = kShared;  // in its bucket, or in the free list; 0: none
  };
  Row& row(LabelId id) const {
    return chunks_[id / kRowsOfChunk].load(std::memory_order_acquire)[id % kRowsOfChunk];
  }
  LabelId find(std::string_view label, std::uint64_t hash) const;
  void name_row(LabelId id, std::string_view label, std::uint64_t hash);
  LabelId take_row();
  void free_row(LabelId id);
  void grow_buckets();

  Budget& budget_;
  const std::uint32_t labels_max_;
  std::array<std::atomic<Row*>, kChunksMax> chunks_{};
  std::uint32_t rows_ = 1;  // ever used, the shared one included
  LabelId free_ = kShared;
  ChargedVector<LabelId> buckets_;
  AbsentPurges absent_;
  std::atomic<std::uint32_t> live_{0};
  std::atomic<std::uint64_t> overflows_{0};
};

}  // namespace headgate::store::memory
