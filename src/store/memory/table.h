#pragma once
// The hash table of one shard: chains of entries in an array that doubles. One thread changes it,
// under the shard's lock; finds walk it pinned. While it grows a find may miss an entry that is
// there: a miss is confirmed under the lock (Store::claim) before anything is fetched.
#include <atomic>
#include <cstdint>

#include "store/memory/entry.h"
#include "store/memory/epoch.h"

namespace headgate::store::memory {

class Table {
 public:
  explicit Table(Budget& budget);
  ~Table();

  // Pinned or under the lock.
  Entry* find(const Key& key) const;

  // Under the lock.
  void insert(Entry& entry, Retired& retired);
  void erase(Entry& entry);  // unlinks; whoever is on it finds the way on
  std::size_t size() const { return size_; }
  std::size_t buckets() const { return load()->count; }
  Entry* bucket(std::size_t i) const { return load()->heads()[i].load(std::memory_order_relaxed); }

 private:
  // The heads follow it.
  struct Buckets {
    std::size_t count;
    std::atomic<Entry*>* heads() { return reinterpret_cast<std::atomic<Entry*>*>(this + 1); }
    std::atomic<Entry*>& head(const Hash128& hash) { return heads()[hash.low & (count - 1)]; }
  };
  static constexpr std::size_t kBucketsMin = 16;
  static Buckets* make(Budget& budget, std::size_t count);
  static void destroy(void* buckets, Budget& budget);
  Buckets* load() const { return buckets_.load(std::memory_order_seq_cst); }
  void grow(Retired& retired);

  Budget& budget_;
  std::atomic<Buckets*> buckets_;
  std::size_t size_ = 0;
};

}  // namespace headgate::store::memory
