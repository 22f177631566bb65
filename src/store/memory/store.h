#pragma once
// The objects of a shared cache in memory, for all workers of the process. Opaque bytes: what may
// be stored, served and for how long is decided above (decide/cache); how bytes reach a client is
// the proxy's.
//
//   Reader reader(store);                                    // one of each worker
//   View view = reader.find(key, now);                       // no lock, no allocation
//   ... choose a variant ... Ref<Object> hit = view.take(i); // BodyReader reads it
//   Claim claim = store.claim(key, secondary, view, now, queue, target);  // nothing fits: fetch,
//   wait, or look again
//
// Lifetime: readers, leads, fills, waiters, objects and views go before the store; wake queues
// after it.
#include <cstdint>
#include <memory>
#include <variant>
#include <vector>

#include "base/counter.h"
#include "store/memory/lead.h"

namespace headgate::store::memory {

struct Options {
  std::uint64_t bytes_max =
      256 << 20;  // of everything the store allocates; at least kStoreBytesMin
  std::uint64_t object_bytes_max = 16 << 20;  // of one body; longer ones pass through
  std::uint32_t shards = 16;                  // a power of two, at most kShardsMax
  std::uint32_t labels_max =
      1 << 20;  // different ones at a time; at most one for each KiB of bytes_max
};

struct Counts {
  std::uint64_t hits = 0, misses = 0;  // finds that saw something or nothing usable
  std::uint64_t stored = 0, evicted = 0, purged = 0, passed_through = 0;
  std::uint64_t collapsed = 0, handed_over = 0, marked = 0;
  std::uint64_t objects = 0, keys = 0, ghosts = 0, labels = 0, label_overflows = 0,
                prefix_rules = 0;
  std::uint64_t bytes_used = 0, bytes_max = 0;
};

// Fetch without collapsing (Store::lead_alone if the answer may be kept).
struct FetchAlone {};
// A View: the key has changed since the caller looked; choose again.
using Claim = std::variant<View, Lead, Waiter, FetchAlone>;

class Store {
 public:
  explicit Store(const Options& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // `secondary` is the hash that the request has under the selector it knows of, 0 without one:
  // fetches with different ones do not wait for each other. `target` is woken by `queue` when a
  // Waiter has news.
  Claim claim(const Key& key, std::uint64_t secondary, const View& seen, Instant now,
              WakeQueue& queue, Wakeable& target);
  // A fetch that nobody waits for, for who passes or has waited long enough: the answer may be
  // stored all the same. Nothing for a key beyond the limit.
  std::optional<Lead> lead_alone(const Key& key, std::uint64_t secondary);

  // Purges hold for every find that starts after them, on every worker, and for fetches that are
  // under way.
  void purge_key(const Key& key, Purge how) { shard_of(key.hash).purge(key, how); }
  void purge_label(std::string_view label, Purge how) { generations_.purge_label(label, how); }
  void purge_everything(Purge how) { generations_.purge_everything(how); }
  // Every key whose locator begins with `prefix`. Usually as cheap as the others; when too many
  // prefixes wait to be compared, it sweeps the table on this thread first.
  Status purge_prefix(std::string_view prefix, Purge how);
  // Frees what was purged hard. Eviction does so by the way; this is for a control thread with
  // time.
  void sweep();

  Counts counts();
  const Options& options() const { return options_; }

  // For leads and fills.
  Budget& budget() { return budget_; }
  // Evicts until the limit holds. False: what is left is filling or being read.
  bool make_room();

 private:
  friend class Reader;
  Shard& shard_of(const Hash128& hash) { return *shards_[hash.high & (shards_.size() - 1)]; }
  std::uint64_t pending_bytes() const;
  Shard& fullest() const;

  const Options options_;
  Budget budget_;
  std::unique_ptr<Epoch> epoch_;
  Generations generations_;
  std::vector<std::unique_ptr<Shard>> shards_;
  std::mutex readers_mutex_;
  std::vector<class Reader*> readers_;
  Counts past_readers_;
};

// One worker's way to find.
class Reader {
 public:
  explicit Reader(Store& store);
  ~Reader();
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  View find(const Key& key, Instant now);

 private:
  friend class Store;
  Store& store_;
  Epoch::Slot& slot_;
  Counter hits_;
  Counter misses_;
};

}  // namespace headgate::store::memory
