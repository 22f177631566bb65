#include "io/tls/ticket_keys.h"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "io/entropy.h"

namespace headgate::io::tls {

namespace {

std::int64_t period_of(WallTime now) { return now.ns / TicketKeys::kRotation.count(); }

// HMAC-SHA-256 as the key derivation: one block for each purpose.
void derive(const TicketKeys::Bytes32& secret, std::string_view purpose, std::int64_t period,
            unsigned char* into, std::size_t length) {
  const std::string input = fmt::format("headgate session ticket {} {}", purpose, period);
  unsigned char block[EVP_MAX_MD_SIZE];
  unsigned int size = 0;
  const void* done =
      HMAC(EVP_sha256(), secret.data(), static_cast<int>(secret.size()),
           reinterpret_cast<const unsigned char*>(input.data()), input.size(), block, &size);
  HG_CHECK(done != nullptr && size >= length, "HMAC-SHA-256 is there");
  std::memcpy(into, block, length);
  OPENSSL_cleanse(block, sizeof block);
}

}  // namespace

TicketKeys::TicketKeys(WallTime now) : period_(period_of(now)) {
  for (Key& key : keys_) key = key_of(period_);
}

TicketKeys::TicketKeys(std::string_view secret, WallTime now)
    : secret_(Bytes32{}), period_(period_of(now)) {
  unsigned int size = 0;
  HG_CHECK(
      EVP_Digest(secret.data(), secret.size(), secret_->data(), &size, EVP_sha256(), nullptr) == 1,
      "SHA-256 is there");
  for (std::size_t i = 0; i < kKept; ++i) keys_[i] = key_of(period_ - static_cast<std::int64_t>(i));
}

Result<std::shared_ptr<TicketKeys>> TicketKeys::from_seed(std::string_view secret, WallTime now) {
  if (secret.size() < kSeedBytesMin) {
    return fail(Code::kInvalid,
                fmt::format("session ticket secret: {} bytes, at least {} are needed",
                            secret.size(), kSeedBytesMin));
  }
  return std::shared_ptr<TicketKeys>(new TicketKeys(secret, now));
}

TicketKeys::~TicketKeys() {
  OPENSSL_cleanse(keys_.data(), sizeof keys_);
  if (secret_) OPENSSL_cleanse(secret_->data(), secret_->size());
}

TicketKeys::Key TicketKeys::key_of(std::int64_t period) const {
  Key key;
  if (secret_) {
    derive(*secret_, "name", period, key.name.data(), key.name.size());
    derive(*secret_, "cipher", period, key.cipher.data(), key.cipher.size());
    derive(*secret_, "mac", period, key.mac.data(), key.mac.size());
  } else {
    random_bytes(key.name);
    random_bytes(key.cipher);
    random_bytes(key.mac);
  }
  return key;
}

bool TicketKeys::rotate(WallTime now) {
  const std::lock_guard lock(mutex_);
  const std::int64_t period = period_of(now);
  if (period == period_ || (!secret_ && period < period_)) return false;
  period_ = period;
  if (secret_) {
    for (std::size_t i = 0; i < kKept; ++i)
      keys_[i] = key_of(period_ - static_cast<std::int64_t>(i));
    return true;
  }
  std::shift_right(keys_.begin(), keys_.end(), 1);
  keys_.front() = key_of(period_);
  return true;
}

TicketKeys::Key TicketKeys::sealing_key() const {
  const std::lock_guard lock(mutex_);
  return keys_.front();
}

std::optional<TicketKeys::Found> TicketKeys::find(const unsigned char* name) const {
  const std::lock_guard lock(mutex_);
  for (std::size_t i = 0; i < kKept; ++i) {
    if (std::memcmp(keys_[i].name.data(), name, keys_[i].name.size()) == 0)
      return Found{keys_[i], i == 0};
  }
  return std::nullopt;
}

}  // namespace headgate::io::tls
