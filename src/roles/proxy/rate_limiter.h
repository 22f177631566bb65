#pragma once
// The buckets of all rate limits of the process: exact across workers, kept over configuration changes by name and definition.
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/hash.h"
#include "base/time.h"
#include "decide/limit/rate_table.h"
#include "model/policy.h"

namespace headgate::proxy {

class Exchange;

// A limit together with its buckets, as a rule of a prepared snapshot refers to it.
class RateLimiter {
 public:
  // `seed`: secret, random, one for the process.
  explicit RateLimiter(std::uint64_t seed) : seed_(seed) {}

  // Buckets of this definition, those that exist or new ones. Control thread.
  std::shared_ptr<decide::limit::RateTable> table_of(const model::RateLimit& limit);
  // Takes one from the bucket that the request belongs to. Any worker.
  decide::limit::Verdict take(decide::limit::RateTable& table, const model::RateLimit& limit, const Exchange& exchange,
                              Instant now) const;

 private:
  struct Kept {
    std::uint64_t fingerprint = 0;
    std::weak_ptr<decide::limit::RateTable> table;
  };
  const std::uint64_t seed_;
  std::mutex mutex_;
  std::unordered_map<std::string, Kept, StringHash, std::equal_to<>> kept_;
};

}  // namespace headgate::proxy
