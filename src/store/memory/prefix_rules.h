#pragma once
// Purges by prefix: a bounded list of rules, oldest first, each compared with what was born before
// it. A rule is folded away when nothing older remains: `living` counts what is alive between each
// rule and the next. Finds read the list under a pin; it changes by replacement, under the lock of
// Generations.
#include <atomic>
#include <span>
#include <string_view>

#include "store/memory/budget.h"
#include "store/memory/epoch.h"
#include "store/memory/stamp.h"

namespace headgate::store::memory {

class PrefixRules {
 public:
  PrefixRules(Epoch& epoch, Budget& budget);
  ~PrefixRules();

  // Under the lock of Generations. False: the list is full.
  bool add(std::string_view prefix, Purge how, Stamp at);
  void born(Stamp at);
  void gone(Stamp born_at);

  // Pinned or under the lock. Rules up to `checked` have been compared before.
  Standing standing(std::string_view locator, Stamp born_at, Stamp checked) const;

  std::size_t size() const { return size_.load(std::memory_order_relaxed); }

 private:
  struct Rule {
    Stamp at;
    Purge how;
    ChargedString prefix;
  };
  using RuleList = ChargedVector<Rule>;
  std::size_t rank(Stamp born_at) const;  // how many rules are no younger than it
  void replace(RuleList* list);
  void fold();

  Budget& budget_;
  Retired retired_;
  std::atomic<RuleList*> rules_;
  std::atomic<std::size_t> size_{0};
  ChargedVector<std::uint64_t> living_;  // [i]: older than rule i and not older than rule i-1
};

}  // namespace headgate::store::memory
