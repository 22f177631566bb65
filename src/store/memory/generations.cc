#include "store/memory/generations.h"

namespace headgate::store::memory {

Stamp Generations::begin() {
  const std::lock_guard hold(mutex_);
  const Stamp born = now();
  prefixes_.born(born);
  return born;
}

void Generations::end(Stamp born) {
  const std::lock_guard hold(mutex_);
  prefixes_.gone(born);
}

Standing Generations::compare(Stamp born, Stamp checked, std::span<const LabelId> ids,
                              std::string_view locator) const {
  Standing found = everything_.of(born);
  for (const LabelId id : ids) found.add(labels_.standing(id, born));
  if (prefixes_.size() > 0) found.add(prefixes_.standing(locator, born, checked));
  return found;
}

Standing Generations::enter(Stamp born, std::span<const std::string_view> labels,
                            std::string_view locator, LabelId* ids) {
  const std::lock_guard hold(mutex_);
  Standing found = compare(born, 0, {}, locator);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const LabelTable::Held held = labels_.hold(labels[i], born);
    ids[i] = held.id;
    found.add(held.standing);
  }
  if (found.gone)
    for (std::size_t i = 0; i < labels.size(); ++i) labels_.drop(ids[i]);
  return found;
}

void Generations::leave(const Life& life, std::span<const LabelId> ids) {
  const std::lock_guard hold(mutex_);
  for (const LabelId id : ids) labels_.drop(id);
  prefixes_.gone(life.born.load(std::memory_order_relaxed));
}

Standing Generations::standing(Life& life, std::span<const LabelId> ids,
                               std::string_view locator) const {
  const Stamp now_seen = now();
  const Stamp checked = life.checked.load(std::memory_order_acquire);
  if (checked == now_seen) return {false, life.stale.load(std::memory_order_relaxed)};
  const Standing found = compare(life.born.load(std::memory_order_relaxed), checked, ids, locator);
  if (found.gone) return found;
  if (found.stale) life.stale.store(true, std::memory_order_relaxed);
  life.checked.store(now_seen, std::memory_order_release);
  return {false, life.stale.load(std::memory_order_relaxed)};
}

void Generations::forget_past(Life& life) {
  const std::lock_guard hold(mutex_);
  const Stamp born = life.born.load(std::memory_order_relaxed);
  const Stamp checked = life.checked.load(std::memory_order_acquire);
  if (checked <= born) return;
  prefixes_.born(checked);
  life.born.store(checked, std::memory_order_relaxed);
  prefixes_.gone(born);
}

void Generations::publish(Stamp at, Purge how) {
  if (how == Purge::kHard) last_hard_.store(at, std::memory_order_relaxed);
  now_.store(at, std::memory_order_release);
}

void Generations::purge_label(std::string_view label, Purge how) {
  const std::lock_guard hold(mutex_);
  const Stamp at = now() + 1;
  labels_.purge(label, how, at);
  publish(at, how);
}

void Generations::purge_everything(Purge how) {
  const std::lock_guard hold(mutex_);
  const Stamp at = now() + 1;
  everything_.purge(how, at);
  publish(at, how);
}

bool Generations::purge_prefix(std::string_view prefix, Purge how) {
  const std::lock_guard hold(mutex_);
  const Stamp at = now() + 1;
  if (!prefixes_.add(prefix, how, at)) return false;
  publish(at, how);
  return true;
}

}  // namespace headgate::store::memory
