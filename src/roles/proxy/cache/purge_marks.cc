#include "roles/proxy/cache/purge_marks.h"

namespace headgate::proxy {

void PurgeMarks::add_label(std::uint64_t hash, Moments at) {
  if (at.newest() == 0) return;
  if (sets_.empty()) sets_.resize(kSets);
  Set& set = sets_[hash % kSets];
  Slot* oldest = set.slots.data();
  for (Slot& slot : set.slots) {
    if (slot.hash == hash && slot.at.newest() > 0) return slot.at.raise_to(at);
    if (slot.at.newest() < oldest->at.newest()) oldest = &slot;
  }
  if (oldest->at.newest() >= at.newest()) return set.floor.raise_to(at);
  set.floor.raise_to(oldest->at);
  *oldest = {hash, at};
}

void PurgeMarks::add_floor(std::size_t set, Moments at) {
  if (sets_.empty()) sets_.resize(kSets);
  sets_[set % kSets].floor.raise_to(at);
}

void PurgeMarks::add_prefix(std::string_view prefix, Moments at) {
  const auto same = std::find_if(prefixes_.begin(), prefixes_.end(),
                                 [&](const Prefix& one) { return one.text == prefix; });
  if (same != prefixes_.end()) return same->at.raise_to(at);
  prefixes_.push_back({std::string(prefix), at});
  if (prefixes_.size() <= kPrefixesMax) return;
  const auto oldest = std::min_element(
      prefixes_.begin(), prefixes_.end(),
      [](const Prefix& a, const Prefix& b) { return a.at.newest() < b.at.newest(); });
  everything_.raise_to(oldest->at);
  prefixes_.erase(oldest);
}

PurgeMarks::Standing PurgeMarks::of_labels(Moment born,
                                           std::span<const std::uint64_t> hashes) const {
  Standing out = everything_.of(born);
  if (sets_.empty()) return out;
  for (const std::uint64_t hash : hashes) {
    const Set& set = sets_[hash % kSets];
    out.add(set.floor.of(born));
    for (const Slot& slot : set.slots)
      if (slot.hash == hash) out.add(slot.at.of(born));
  }
  return out;
}

PurgeMarks::Standing PurgeMarks::of_locator(Moment born, std::string_view locator) const {
  Standing out;
  for (const Prefix& prefix : prefixes_)
    if (prefix.at.newest() > born && locator.starts_with(prefix.text)) out.add(prefix.at.of(born));
  return out;
}

}  // namespace headgate::proxy
