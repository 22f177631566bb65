#pragma once
// API keys by the SHA-256 of the key: the key itself is never kept. Found by hash, then compared in
// constant time. Immutable after build; any thread.
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>

#include "model/policy.h"

namespace headgate::decide::access {

class ApiKeys {
 public:
  ApiKeys() = default;
  // Entries whose hash is not 32 bytes are no keys.
  explicit ApiKeys(std::span<const model::ApiKey> keys);

  std::size_t size() const { return by_hash_.size(); }
  // The client; nullptr: unknown. An empty key and one above kApiKeyBytesMax are unknown.
  const std::string* client_of(std::string_view key) const;

 private:
  std::unordered_multimap<std::uint64_t, model::ApiKey> by_hash_;  // by the first eight bytes
};

// 32 raw bytes, as model::ApiKey keeps them.
std::string sha256_of(std::string_view text);

}  // namespace headgate::decide::access
