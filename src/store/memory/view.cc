#include "store/memory/view.h"

namespace headgate::store::memory {

View::View(const Entry& entry, const Generations& generations, Instant now) {
  marked_secondary_ = entry.pass_secondary.load(std::memory_order_relaxed);
  marked_ = entry.marked(marked_secondary_, now);
  while (!collect(entry, generations)) {
  }
}

// False: what was seen has been replaced meanwhile; the table holds something newer.
bool View::collect(const Entry& entry, const Generations& generations) {
  VariantSet* const set = entry.variants.load(std::memory_order_seq_cst);
  if (set != set_.get()) set_ = Ref<VariantSet>::share(set);
  count_ = 0;
  stale_ = 0;
  if (!set) return true;
  const auto objects = set->objects();
  for (std::size_t i = 0; i < objects.size(); ++i) {
    Object& object = *objects[i];
    if (!object.readable()) continue;
    const Standing standing = generations.standing(object.life_, object.labels(), entry.locator());
    // Its labels were held while they were compared only if it is listed afterwards too.
    if (!object.listed_.load(std::memory_order_acquire)) {
      if (entry.variants.load(std::memory_order_seq_cst) != set) return false;
      continue;
    }
    if (standing.gone) continue;
    stale_ |= static_cast<std::uint32_t>(standing.stale) << count_;
    seen_[count_++] = static_cast<std::uint8_t>(i);
  }
  return true;
}

}  // namespace headgate::store::memory
