#pragma once
// What a find saw: the variants of a key that may be used, newest first, and the choice is the
// caller's. Immutable and counted, so it stays true to itself whatever happens to the table; keep
// it for the choice only, and what was chosen for the response.
#include <array>
#include <cstdint>

#include "base/time.h"
#include "store/memory/entry.h"

namespace headgate::store::memory {

class View {
 public:
  View() = default;
  // Pinned.
  View(const Entry& entry, const Generations& generations, Instant now);

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  // An object may still be filling: its body tells.
  const Object& operator[](std::size_t i) const { return *set_->objects()[seen_[i]]; }
  // Purged softly: to be validated before it counts as fresh.
  bool stale(std::size_t i) const { return (stale_ >> i & 1) != 0; }
  // The choice: a reference for the response; counts as a hit for eviction.
  Ref<Object> take(std::size_t i) const {
    Object* const object = set_->objects()[seen_[i]];
    object->touch();
    return Ref<Object>::share(object);
  }
  // This secondary was uncacheable not long ago: fetch without waiting for others.
  bool passes(std::uint64_t secondary) const { return marked_ && secondary == marked_secondary_; }

  // Names the state of the key that was seen, for Store::claim.
  const VariantSet* set() const { return set_.get(); }

 private:
  bool collect(const Entry& entry, const Generations& generations);

  Ref<VariantSet> set_;
  std::array<std::uint8_t, kVariantsMax> seen_{};
  std::uint32_t stale_ = 0;
  std::uint8_t count_ = 0;
  bool marked_ = false;
  std::uint64_t marked_secondary_ = 0;
};

}  // namespace headgate::store::memory
