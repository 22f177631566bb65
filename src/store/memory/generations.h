#pragma once
// Purge by generation: what is purged is not looked for; a stamp is written, and each find compares
// the object it found. So a purge of a label, a prefix or everything costs the same for one object
// and for a million, and holds for every find that starts after it. An object remembers the stamp
// up to which it was found good: between two purges a find compares one word.
//
// Everything that may still be found, and every fill that may still bring something, is registered
// here by its stamp (begin .. end), because a purge must reach it. Any thread; purges and fills
// take one lock, finds none.
#include <atomic>
#include <mutex>
#include <span>
#include <string_view>

#include "store/memory/label_table.h"
#include "store/memory/prefix_rules.h"

namespace headgate::store::memory {

// Of an object, for as long as it can be found. `ids` and `locator` are the object's own.
struct Life {
  std::atomic<Stamp> born{0};
  std::atomic<Stamp> checked{0};   // nothing up to this stamp has purged it hard
  std::atomic<bool> stale{false};  // purged softly
};

class Generations {
 public:
  Generations(Epoch& epoch, Budget& budget, std::uint32_t labels_max)
      : labels_(budget, labels_max), prefixes_(epoch, budget) {}

  // Before the request goes to the origin.
  Stamp begin();
  void end(Stamp born);

  // The head is there: ids for its labels, and whether a purge came since `born`. Gone: nothing is
  // held, and the fill stays registered. Otherwise the ids are held until leave().
  Standing enter(Stamp born, std::span<const std::string_view> labels, std::string_view locator,
                 LabelId* ids);
  void leave(const Life& life, std::span<const LabelId> ids);

  // Pinned. Remembers in `life` what it found.
  Standing standing(Life& life, std::span<const LabelId> ids, std::string_view locator) const;
  // What was found good needs no comparison with what came before: lets prefix rules fold.
  void forget_past(Life& life);

  void purge_label(std::string_view label, Purge how);
  void purge_everything(Purge how);
  // False: the list of rules is full of prefixes that older objects have not been compared with.
  bool purge_prefix(std::string_view prefix, Purge how);

  Stamp now() const { return now_.load(std::memory_order_acquire); }
  Stamp last_hard() const { return last_hard_.load(std::memory_order_relaxed); }
  std::uint32_t labels() const { return labels_.size(); }
  std::uint64_t label_overflows() const { return labels_.overflows(); }
  std::size_t prefix_rules() const { return prefixes_.size(); }

 private:
  Standing compare(Stamp born, Stamp checked, std::span<const LabelId> ids,
                   std::string_view locator) const;
  void publish(Stamp at, Purge how);

  std::mutex mutex_;
  std::atomic<Stamp> now_{1};  // raised after the stamps that it announces are written
  std::atomic<Stamp> last_hard_{0};
  PurgeStamps everything_;
  LabelTable labels_;
  PrefixRules prefixes_;
};

}  // namespace headgate::store::memory
