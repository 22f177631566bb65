#pragma once
// The disk below the memory: opened by a thread of its own when its directory can be had, closed by
// the same. During a hot restart the new data plane waits for the old one to let go; until then,
// and when the disk fails, the cache goes on without it. Any thread.
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "base/time.h"
#include "store/disk/store.h"

namespace headgate::proxy {

class PurgeBook;

class DiskTier {
 public:
  static constexpr Duration kPoll = 50ms;  // for a directory that another process has
  static constexpr Duration kSettleMax = 1s;

  struct Options {
    std::string directory;
    std::uint64_t bytes = 0;
  };
  // `purges` judges what lies there; it is asked until close() has returned.
  DiskTier(Options options, const PurgeBook& purges);
  ~DiskTier() { close(); }

  // Null while it is not open.
  std::shared_ptr<store::disk::Store> store() const;
  // It is open, or it is no use to wait for it any longer: a start that goes on without what the
  // disk has would send it all to the origins.
  bool is_settled() const;
  // Blocking: writes what was accepted, and lets another process have the directory. No completion
  // is called afterwards. Idempotent.
  void close();
  // Why there is no disk, or what is wrong with it; empty: nothing.
  std::string trouble() const;

 private:
  void run();
  bool open();  // false: not yet

  const Options options_;
  const PurgeBook& purges_;
  const Instant begun_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::shared_ptr<store::disk::Store> store_;
  std::string trouble_;
  bool closing_ = false, is_given_up_ = false;
  std::thread thread_;
};

}  // namespace headgate::proxy
