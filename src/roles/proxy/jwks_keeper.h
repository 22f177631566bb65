#pragma once
// Key sets (JWKS) that tokens are verified with, fetched from URLs. Control thread; needs its loop to turn. Workers read the
// last good set of a JwksSource at any time. A set that cannot be had or used never replaces one that could (law 2): the old
// one is kept for as long as that takes, and counted.
#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/counter.h"
#include "base/prng.h"
#include "base/time.h"
#include "decide/access/jwks.h"
#include "io/fetch.h"
#include "io/loop.h"

namespace headgate::proxy {

struct JwksPace {
  Duration tick = 250ms;           // how late a fetch may start
  Duration ask_again_min = 10s;    // between two fetches of one URL, whatever tokens come
  Duration retry_min = 5s;         // after a failure; doubled with each, up to the refresh interval
  Duration fetch_timeout = 10s;
  Duration settle_max = 2s;        // a start does not wait longer for its first sets
};

// Where the keys of one URL are read. Any thread.
class JwksSource {
 public:
  // nullptr: none could be fetched so far.
  std::shared_ptr<const decide::access::Jwks> current() const {
    const std::lock_guard lock(mutex_);
    return keys_;
  }
  // A token named a key that the set does not have: the issuer may have changed its keys.
  void ask_again() { asked_.store(true, std::memory_order_relaxed); }

 private:
  friend class JwksKeeper;
  void publish(std::shared_ptr<const decide::access::Jwks> keys) {
    const std::lock_guard lock(mutex_);
    keys_ = std::move(keys);
  }
  mutable std::mutex mutex_;  // held for the copy of a pointer
  std::shared_ptr<const decide::access::Jwks> keys_;
  std::atomic<bool> asked_{false};
};

struct JwksStats {
  Counter fetches, failures;
};

// What the status page shows of one URL.
struct JwksStatus {
  std::string url;
  std::size_t keys = 0;
  std::uint32_t failures_in_a_row = 0;
  std::string last_error;  // empty: the last fetch was good
};

class JwksKeeper {
 public:
  JwksKeeper(io::Loop& loop, std::uint64_t seed, JwksPace pace = {});
  ~JwksKeeper();
  JwksKeeper(const JwksKeeper&) = delete;
  JwksKeeper& operator=(const JwksKeeper&) = delete;

  // The source of this URL and interval: the existing one, or a new one whose first fetch starts now and which begins with
  // the keys that the same URL gave before. It is fetched for as long as somebody holds it.
  std::shared_ptr<JwksSource> source_of(const std::string& url, Duration refresh);
  // True once every source has had its first outcome, or settle_max has passed.
  bool settled() const;

  const JwksStats& stats() const { return stats_; }
  std::vector<JwksStatus> status() const;

 private:
  struct Kept;
  void tick();
  void fetch(Kept& kept);
  void on_fetched(Kept& kept, Result<io::FetchResponse> response);
  void on_failed(Kept& kept, std::string message);

  io::Loop& loop_;
  const JwksPace pace_;
  Prng prng_;
  io::Fetcher fetcher_;
  JwksStats stats_;
  std::vector<std::shared_ptr<Kept>> kept_;
  io::MemberTimer<&JwksKeeper::tick> tick_{this};
};

}  // namespace headgate::proxy
