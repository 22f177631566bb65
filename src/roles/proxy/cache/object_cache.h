#pragma once
// The object cache of the process, shared by all workers: the memory, the disk below it, the purges
// that both obey, and what is remembered about responses that were not kept. Any thread, but for
// open and close.
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>

#include "base/result.h"
#include "base/siphash.h"
#include "roles/proxy/cache/disk_tier.h"
#include "roles/proxy/cache/purge_book.h"
#include "roles/proxy/cache/recent_refusals.h"
#include "store/memory/store.h"

namespace headgate::proxy {

struct CacheOptions {
  std::uint64_t memory_bytes = std::uint64_t{256} << 20;
  std::string state;             // directory for what survives: purges, the disk's objects
  std::uint64_t disk_bytes = 0;  // 0: no disk
};

class ObjectCache {
 public:
  // Errors: kInvalid, a size or what lies in the state directory; those of files.
  static Result<std::unique_ptr<ObjectCache>> open(const CacheOptions& options);
  ~ObjectCache() { close(); }

  store::memory::Store& memory() { return memory_; }
  PurgeBook& purges() { return purges_; }
  RecentRefusals& refusals() { return *refusals_; }
  // Null: there is none, or not now.
  std::shared_ptr<store::disk::Store> disk() const { return disk_ ? disk_->store() : nullptr; }
  bool is_settled() const { return !disk_ || disk_->is_settled(); }
  bool has_disk() const { return disk_ != nullptr; }
  std::string disk_trouble() const { return disk_ ? disk_->trouble() : std::string(); }
  SipKey key_secret() const { return key_secret_; }
  // Names this process among edges; random.
  const std::string& instance() const { return instance_; }

  // For admission: how often the key was asked for lately, this time included. 2 stands for more. A
  // small table that forgets: an old key may count as new.
  std::uint32_t count_request(const Hash128& key);

  // Blocking: lets the next process have the disk and the journal of purges. The memory goes on.
  void close();

 private:
  ObjectCache(const CacheOptions& options, SipKey key_secret);
  static constexpr std::size_t kRemembered = 1 << 16;
  const SipKey key_secret_;
  const std::string instance_;
  store::memory::Store memory_;
  PurgeBook purges_;
  std::unique_ptr<DiskTier> disk_;
  const std::unique_ptr<RecentRefusals> refusals_ = std::make_unique<RecentRefusals>();
  std::unique_ptr<std::array<std::atomic<std::uint32_t>, kRemembered>> asked_;
};

}  // namespace headgate::proxy
