#pragma once
// What one worker needs to use the object cache: its way to find, its wake-ups, and buffers that
// are used again by each request. Worker thread; lives longer than every thread that fills objects.
#include <string>
#include <vector>

#include "decide/cache/invalidation.h"
#include "decide/cache/key.h"
#include "io/loop.h"
#include "roles/proxy/cache/object_cache.h"
#include "store/memory/wake.h"

namespace headgate::proxy {

// At a key that changes meanwhile; then the fetch is the client's own.
inline constexpr int kLooksMax = 8;
// Who waits for a fetch that is under way; Waiter is the pool's.
using Flying = store::memory::Waiter;

inline store::memory::Key store_key(const decide::cache::CacheKey& key) {
  return {{key.hash.high, key.hash.low}, key.bytes, key.locator()};
}

struct WorkerCache {
  WorkerCache(ObjectCache& cache, io::Loop& own_loop)
      : loop(own_loop),
        shared(cache),
        reader(cache.memory()),
        wakes([this] {
          [[maybe_unused]] const bool told = loop.mailbox().post([this] { wakes.drain(); });
        }),
        keys(cache.key_secret()) {}

  io::Loop& loop;
  ObjectCache& shared;
  store::memory::Reader reader;
  store::memory::WakeQueue wakes;
  decide::cache::KeyBuilder keys;
  // Scratch: valid until the next call that uses it.
  std::string head, selector, text;
  std::vector<std::string> label_texts;
  std::vector<std::string_view> labels;
  decide::cache::ResolveScratch resolve;
};

}  // namespace headgate::proxy
