#include "store/memory/entry.h"

#include <algorithm>
#include <cstring>
#include <new>

#include "store/memory/flight.h"

namespace headgate::store::memory {

VariantSet* VariantSet::create(Budget& budget, std::span<Object* const> objects) {
  void* memory = budget.allocate(sizeof(VariantSet) + objects.size_bytes());
  auto* const set = ::new (memory) VariantSet(budget, objects.size());
  std::copy(objects.begin(), objects.end(), reinterpret_cast<Object**>(set + 1));
  for (const Object* object : objects) object->retain();
  return set;
}

void VariantSet::destroy() {
  for (const Object* object : objects()) object->release();
  Budget& budget = budget_;
  const std::size_t bytes = sizeof(VariantSet) + objects().size_bytes();
  this->~VariantSet();
  budget.release(this, bytes);
}

Entry* Entry::create(Budget& budget, const Key& key) {
  auto* const entry = ::new (budget.allocate(sizeof(Entry) + key.bytes.size())) Entry;
  entry->hash = key.hash;
  entry->key_bytes = static_cast<std::uint32_t>(key.bytes.size());
  if (!key.bytes.empty())
    std::memcpy(static_cast<void*>(entry + 1), key.bytes.data(), key.bytes.size());
  if (!key.locator.empty()) {
    HG_CHECK(key.locator.data() >= key.bytes.data() &&
                 key.locator.data() + key.locator.size() <= key.bytes.data() + key.bytes.size(),
             "the locator is a part of the key");
    entry->locator_at = static_cast<std::uint32_t>(key.locator.data() - key.bytes.data());
    entry->locator_bytes = static_cast<std::uint32_t>(key.locator.size());
  }
  return entry;
}

void Entry::destroy(void* what, Budget& budget) {
  auto* const entry = static_cast<Entry*>(what);
  const std::size_t bytes = entry->allocated();
  entry->~Entry();
  budget.release(what, bytes);
}

}  // namespace headgate::store::memory
