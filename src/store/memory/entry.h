#pragma once
// A key in the table, and the immutable set of its variants. Finds read both under a pin, without a
// lock; everything else is under the lock of the shard. A set changes by replacement.
#include <atomic>
#include <span>
#include <string_view>

#include "base/list.h"
#include "base/time.h"
#include "store/memory/key.h"
#include "store/memory/object.h"

namespace headgate::store::memory {

struct Flight;

// Newest first. Holds a reference to each.
class VariantSet final : public Counted<VariantSet> {
 public:
  static VariantSet* create(Budget& budget, std::span<Object* const> objects);
  void destroy();
  std::span<Object* const> objects() const {
    return {reinterpret_cast<Object* const*>(this + 1), count_};
  }

 private:
  VariantSet(Budget& budget, std::size_t count) : budget_(budget), count_(count) {}
  ~VariantSet() = default;
  Budget& budget_;
  const std::size_t count_;
};

struct MarkerQueue {};

// The bytes of the key follow it. As a node it stands in the queue of hit-for-miss markers.
struct Entry : ListNode<MarkerQueue> {
  static Entry* create(Budget& budget, const Key& key);
  static void destroy(void* entry, Budget& budget);
  std::size_t allocated() const { return sizeof(Entry) + key_bytes; }
  std::string_view key() const { return {reinterpret_cast<const char*>(this + 1), key_bytes}; }
  std::string_view locator() const { return key().substr(locator_at, locator_bytes); }
  bool is(const Key& k) const { return hash == k.hash && key() == k.bytes; }
  bool marked(std::uint64_t secondary, Instant now) const {
    return now.ns < pass_until_ns.load(std::memory_order_relaxed) &&
           secondary == pass_secondary.load(std::memory_order_relaxed);
  }

  std::atomic<Entry*> next{nullptr};  // in its bucket
  std::atomic<VariantSet*> variants{nullptr};
  Hash128 hash;
  // Hit-for-miss: what an uncacheable outcome was for, and until when it is believed. Read without
  // a lock: a torn pair costs one request its place in a queue, or one needless fetch.
  std::atomic<std::int64_t> pass_until_ns{0};
  std::atomic<std::uint64_t> pass_secondary{0};
  List<Flight, Flight> flights;
  std::uint32_t key_bytes = 0;
  std::uint32_t locator_at = 0;
  std::uint32_t locator_bytes = 0;
};

}  // namespace headgate::store::memory
