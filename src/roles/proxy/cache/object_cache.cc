#include "roles/proxy/cache/object_cache.h"

#include <algorithm>

namespace headgate::proxy {
namespace {

// An object takes at most this part of the memory; larger ones pass through.
constexpr std::uint64_t kObjectShare = 8;
constexpr std::uint64_t kObjectBytesMax = 64 << 20;

store::memory::Options memory_options(const CacheOptions& options) {
  store::memory::Options memory;
  memory.bytes_max = options.memory_bytes;
  memory.object_bytes_max = std::min(options.memory_bytes / kObjectShare, kObjectBytesMax);
  return memory;
}

}  // namespace

ObjectCache::ObjectCache(const CacheOptions& options)
    : key_secret_(options.key_secret),
      memory_(memory_options(options)),
      asked_(std::make_unique<std::array<std::atomic<std::uint32_t>, kRemembered>>()) {}

std::uint32_t ObjectCache::count_request(const Hash128& key) {
  auto& slot = (*asked_)[key.low % kRemembered];
  const auto print = static_cast<std::uint32_t>(key.high) | 1;
  return slot.exchange(print, std::memory_order_relaxed) == print ? 2 : 1;
}

}  // namespace headgate::proxy
