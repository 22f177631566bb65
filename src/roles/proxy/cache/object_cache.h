#pragma once
// The object cache of the process, shared by all workers: where responses are kept, and what is
// remembered about those that are not. Any thread, but for the constructor.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>

#include "base/siphash.h"
#include "store/memory/store.h"

namespace headgate::proxy {

struct CacheOptions {
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;
  SipKey key_secret;  // random; the same over restarts when there is a disk
};

class ObjectCache {
 public:
  explicit ObjectCache(const CacheOptions& options);

  store::memory::Store& memory() { return memory_; }
  SipKey key_secret() const { return key_secret_; }

  // For admission: how often the key was asked for lately, this time included. 2 stands for more. A
  // small table that forgets: an old key may count as new.
  std::uint32_t count_request(const Hash128& key);

 private:
  static constexpr std::size_t kRemembered = 1 << 16;
  const SipKey key_secret_;
  store::memory::Store memory_;
  std::unique_ptr<std::array<std::atomic<std::uint32_t>, kRemembered>> asked_;
};

}  // namespace headgate::proxy
