#include "store/memory/prefix_rules.h"

#include <new>

namespace headgate::store::memory {
namespace {
template <typename T>
T* make(Budget& budget, auto&&... arguments) {
  return ::new (budget.allocate(sizeof(T))) T(std::forward<decltype(arguments)>(arguments)...);
}
template <typename T>
void destroy(void* what, Budget& budget) {
  static_cast<T*>(what)->~T();
  budget.release(what, sizeof(T));
}
}  // namespace

PrefixRules::PrefixRules(Epoch& epoch, Budget& budget)
    : budget_(budget),
      retired_(epoch, budget),
      rules_(make<RuleList>(budget, budget)),
      living_(1, 0, budget) {}

PrefixRules::~PrefixRules() { destroy<RuleList>(rules_.load(), budget_); }

void PrefixRules::replace(RuleList* list) {
  size_.store(list->size(), std::memory_order_relaxed);
  retired_.add(rules_.exchange(list, std::memory_order_seq_cst), destroy<RuleList>, 0);
  retired_.reclaim();
}

std::size_t PrefixRules::rank(Stamp born_at) const {
  const RuleList& rules = *rules_.load(std::memory_order_relaxed);
  std::size_t count = 0;
  while (count < rules.size() && rules[count].at <= born_at) ++count;
  return count;
}

bool PrefixRules::add(std::string_view prefix, Purge how, Stamp at) {
  const RuleList& rules = *rules_.load(std::memory_order_relaxed);
  if (rules.size() >= kPrefixRulesMax) return false;
  RuleList* const longer = make<RuleList>(budget_, budget_);
  longer->reserve(rules.size() + 1);
  for (const Rule& rule : rules) longer->push_back(rule);
  longer->push_back({at, how, ChargedString(prefix, budget_)});
  living_.push_back(0);
  replace(longer);
  fold();
  return true;
}

void PrefixRules::born(Stamp at) { ++living_[rank(at)]; }

void PrefixRules::gone(Stamp born_at) {
  const std::size_t at = rank(born_at);
  HG_CHECK(living_[at] > 0, "what goes was born");
  if (--living_[at] == 0 && at == 0 && size() > 0) fold();
}

void PrefixRules::fold() {
  std::size_t done = 0;
  const RuleList& rules = *rules_.load(std::memory_order_relaxed);
  while (done < rules.size() && living_[done] == 0) ++done;
  if (done == 0) return;
  RuleList* const shorter = make<RuleList>(
      budget_, rules.begin() + static_cast<std::ptrdiff_t>(done), rules.end(), budget_);
  living_.erase(living_.begin(), living_.begin() + static_cast<std::ptrdiff_t>(done));
  replace(shorter);
}

Standing PrefixRules::standing(std::string_view locator, Stamp born_at, Stamp checked) const {
  Standing found;
  const RuleList& rules = *rules_.load(std::memory_order_seq_cst);
  for (auto rule = rules.rbegin(); rule != rules.rend() && rule->at > std::max(born_at, checked);
       ++rule)
    if (locator.starts_with(std::string_view(rule->prefix)))
      found.add({rule->how == Purge::kHard, rule->how == Purge::kSoft});
  return found;
}

}  // namespace headgate::store::memory
