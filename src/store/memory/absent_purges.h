#pragma once
// Purges of labels that no stored object carries: a fill that began before such a purge may still
// bring the label. They are kept by hash in sets of four; a set that is full forgets its oldest,
// and from then on every label counts as purged at that stamp (`floor`), which can only make an
// object go too early. Not thread safe: under the lock of Generations.
#include <algorithm>
#include <cstdint>

#include "base/hash.h"
#include "store/memory/budget.h"
#include "store/memory/stamp.h"

namespace headgate::store::memory {

class AbsentPurges {
 public:
  struct Stamps {
    Stamp hard = 0;
    Stamp soft = 0;
    Stamp newest() const { return std::max(hard, soft); }
    void raise_to(const Stamps& other) {
      hard = std::max(hard, other.hard);
      soft = std::max(soft, other.soft);
    }
    Standing of(Stamp born) const { return {hard > born, soft > born}; }
  };

  explicit AbsentPurges(Budget& budget) : slots_(kSets * kWays, budget) {}

  void add(std::uint64_t label_hash, const Stamps& stamps) {
    if (stamps.newest() == 0) return;
    Slot* const set = set_of(label_hash);
    Slot* oldest = set;
    for (Slot* slot = set; slot < set + kWays; ++slot) {
      if (slot->hash == label_hash) return slot->stamps.raise_to(stamps);
      if (slot->stamps.newest() < oldest->stamps.newest()) oldest = slot;
    }
    if (oldest->stamps.newest() >= stamps.newest()) return floor_.raise_to(stamps);
    floor_.raise_to(oldest->stamps);
    *oldest = {label_hash, stamps};
  }

  // The last purges that the label may have met while no object carried it.
  Stamps of(std::uint64_t label_hash) {
    Stamps found = floor_;
    Slot* const set = set_of(label_hash);
    for (Slot* slot = set; slot < set + kWays; ++slot)
      if (slot->hash == label_hash) found.raise_to(slot->stamps);
    return found;
  }

 private:
  static constexpr std::size_t kSets = 512;
  static constexpr std::size_t kWays = 4;
  struct Slot {
    std::uint64_t hash = 0;
    Stamps stamps;
  };
  Slot* set_of(std::uint64_t hash) { return &slots_[(scramble64(hash) % kSets) * kWays]; }
  ChargedVector<Slot> slots_;
  Stamps floor_;
};

}  // namespace headgate::store::memory
