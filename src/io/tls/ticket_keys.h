#pragma once
// Keys that seal session tickets (RFC 5077, RFC 8446 §4.6.1), so that a session resumes on any
// worker, after a change of configuration and, with a shared seed, on any process. Shared by all
// contexts; thread-safe; outlives them. The newest key seals; it and the two before it open. A
// ticket that an older key sealed is renewed. AES-256-CBC with HMAC-SHA-256, encrypt then MAC. Keys
// are never printed and are wiped on destruction.
#include <array>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/result.h"
#include "base/time.h"

namespace headgate::io::tls {

class TicketKeys {
 public:
  static constexpr Duration kRotation = 8h;
  // A ticket lives as long as any key that can have sealed it is certain to be kept.
  static constexpr Duration kTicketLifetime = 2 * kRotation;
  static constexpr std::size_t kKept = 3;
  static constexpr std::size_t kSeedBytesMin = 32;

  // Fresh random keys with each rotation.
  explicit TicketKeys(WallTime now);
  // Keys derived from a secret and the period that `now` falls in: equal in every process that
  // knows the secret.
  static Result<std::shared_ptr<TicketKeys>> from_seed(std::string_view secret, WallTime now);
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  // Call at least once in kRotation. True when the sealing key changed. A clock that steps back
  // keeps random keys and returns to the keys of that period for derived ones.
  bool rotate(WallTime now);

  using Bytes32 = std::array<unsigned char, 32>;
  struct Key {
    std::array<unsigned char, 16> name{};
    Bytes32 cipher{}, mac{};
  };
  struct Found {
    Key key;
    bool newest = false;
  };
  Key sealing_key() const;
  std::optional<Found> find(const unsigned char* name) const;  // 16 bytes

 private:
  TicketKeys(std::string_view secret, WallTime now);
  Key key_of(std::int64_t period) const;

  mutable std::mutex mutex_;
  std::optional<Bytes32> secret_;
  std::int64_t period_ = 0;
  std::array<Key, kKept> keys_{};  // newest first
};

}  // namespace headgate::io::tls
