#include "decide/access/api_keys.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

#include <cstring>

#include "base/check.h"
#include "decide/access/limits.h"

namespace headgate::decide::access {
namespace {

constexpr std::size_t kSha256Bytes = 32;

std::uint64_t head_of(std::string_view hash) {
  std::uint64_t head = 0;
  std::memcpy(&head, hash.data(), sizeof head);
  return head;
}

}  // namespace

std::string sha256_of(std::string_view text) {
  static EVP_MD* const md = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  std::string out(kSha256Bytes, '\0');
  const int done = EVP_Digest(text.data(), text.size(),
                              reinterpret_cast<unsigned char*>(out.data()), nullptr, md, nullptr);
  HG_CHECK(done == 1, "libcrypto hashes");
  return out;
}

ApiKeys::ApiKeys(std::span<const model::ApiKey> keys) {
  for (const auto& key : keys)
    if (key.sha256.size() == kSha256Bytes) by_hash_.emplace(head_of(key.sha256), key);
}

const std::string* ApiKeys::client_of(std::string_view key) const {
  if (key.empty() || key.size() > kApiKeyBytesMax) return nullptr;
  const std::string hash = sha256_of(key);
  const auto [begin, end] = by_hash_.equal_range(head_of(hash));
  for (auto it = begin; it != end; ++it)
    if (CRYPTO_memcmp(it->second.sha256.data(), hash.data(), kSha256Bytes) == 0)
      return &it->second.client;
  return nullptr;
}

}  // namespace headgate::decide::access
