#include "roles/proxy/cache/object_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "base/ascii.h"
#include "io/entropy.h"
#include "io/file.h"
#include "store/memory/limits.h"

namespace headgate::proxy {
namespace {

// An object takes at most this part of the memory; larger ones pass through.
constexpr std::uint64_t kObjectShare = 8;
constexpr std::uint64_t kObjectBytesMax = 16 << 20;

store::memory::Options memory_options(const CacheOptions& options) {
  store::memory::Options memory;
  memory.bytes_max = options.memory_bytes;
  memory.object_bytes_max = std::min(options.memory_bytes / kObjectShare, kObjectBytesMax);
  return memory;
}

std::string new_instance() {
  std::string text;
  append_hex(text, io::random_u64(), 16);
  return text;
}

SipKey new_secret() { return {io::random_u64(), io::random_u64()}; }

// Keys lie on the disk by their hashes, so the secret of these outlives the process.
Result<SipKey> lasting_secret(const std::string& state) {
  const std::string file = state + "/cache-secret";
  SipKey secret;
  const auto bytes = io::read_file(file, sizeof secret);
  if (bytes && bytes->size() == sizeof secret) {
    std::memcpy(&secret, bytes->data(), sizeof secret);
    return secret;
  }
  if (bytes || bytes.error().code != Code::kNotFound)
    return fail(
        Code::kInvalid,
        fmt::format("{}: expected {} bytes; remove it, and what the disk holds is fetched anew",
                    file, sizeof secret));
  secret = new_secret();
  const std::string_view text(reinterpret_cast<const char*>(&secret), sizeof secret);
  if (Status written = io::write_file_atomically(file, text, 0600); !written)
    return std::unexpected(std::move(written.error()));
  return secret;
}

}  // namespace

Result<std::unique_ptr<ObjectCache>> ObjectCache::open(const CacheOptions& options) {
  if (options.memory_bytes < store::memory::kStoreBytesMin)
    return fail(Code::kInvalid, "--cache-memory: expected at least 1Mi", Source::kClient);
  if (Status made = io::ensure_directory(options.state, 0700); !made)
    return std::unexpected(std::move(made.error()));
  Result<SipKey> secret =
      options.disk_bytes > 0 ? lasting_secret(options.state) : Result<SipKey>(new_secret());
  if (!secret) return std::unexpected(std::move(secret.error()));
  return std::unique_ptr<ObjectCache>(new ObjectCache(options, *secret));
}

ObjectCache::ObjectCache(const CacheOptions& options, SipKey key_secret)
    : key_secret_(key_secret),
      instance_(new_instance()),
      memory_(memory_options(options)),
      purges_({options.state + "/cache-purges", options.disk_bytes > 0}, memory_),
      asked_(std::make_unique<std::array<std::atomic<std::uint32_t>, kRemembered>>()) {
  if (options.disk_bytes > 0)
    disk_ = std::make_unique<DiskTier>(
        DiskTier::Options{options.state + "/cache", options.disk_bytes}, purges_);
}

void ObjectCache::close() {
  if (disk_) disk_->close();
  purges_.close();
}

std::uint32_t ObjectCache::count_request(const Hash128& key) {
  auto& slot = (*asked_)[key.low % kRemembered];
  const auto print = static_cast<std::uint32_t>(key.high) | 1;
  return slot.exchange(print, std::memory_order_relaxed) == print ? 2 : 1;
}

}  // namespace headgate::proxy
