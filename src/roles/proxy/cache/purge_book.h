#pragma once
// The purges of this edge: carried out in memory and for the disk at once, journalled, answered
// with a receipt when they are durable. Any thread, unless said otherwise; one book a process.
//
// Order of effects: first the marks by which objects on the disk are judged, then the memory.
// Whoever finds nothing in memory after a purge and looks on the disk is judged by it.
//
// The journal is `file`, which one process has at a time: during a hot restart the new data plane
// waits for the old one to close its book, and until then purges take effect in memory and their
// receipts wait. A journal that is missing or damaged purges everything that lies on the disk,
// since nobody knows what it said; so does a time in which the edge ran without its disk. A journal
// that cannot be written is removed and tried again every kRetry; receipts, trouble() and figures
// say so.
//
// An invalidation is in the file, though not synced, when invalidate() returns: a process that is
// killed afterwards does not lose it, a machine may. Not while the file is written anew: then it
// follows when that is done.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "io/callback.h"
#include "roles/proxy/cache/purge_journal.h"
#include "roles/proxy/cache/purge_marks.h"
#include "roles/proxy/cache/purge_order.h"
#include "roles/proxy/cache/purge_record.h"
#include "roles/proxy/cache/soft_times.h"
#include "store/disk/options.h"
#include "store/memory/store.h"

namespace headgate::proxy {

struct NumberedOrder {
  std::uint64_t id = 0;
  WallTime time;
  PurgeOrder order;
};

struct PurgeReceipt {
  NumberedOrder numbered;
  bool known_before = false;  // a replayed order that had been carried out already
  bool durable = false;       // a restart keeps to it
  std::string trouble;        // why it is not durable
  // From the arrival of the order until no worker's look-up finds it, in memory and on the disk.
  std::uint64_t memory_effective_us = 0;
  std::optional<std::uint64_t> disk_effective_us;  // none: there is no disk
};

class PurgeBook {
 public:
  struct Options {
    std::string file;                            // "<state>/cache-purges"; its directory is there
    bool has_disk = false;                       // objects on a disk are judged by this book
    std::uint64_t journal_bytes_max = 64 << 20;  // then it is written anew, with what still counts
  };
  static constexpr std::size_t kOrdersKept = 10'000, kOrderBytesKept = 8 << 20;
  static constexpr std::size_t kParkedMax = 1024, kUnwrittenMax = 8 << 20;
  static constexpr Duration kWriteBehind = 1s, kRetry = 5s, kLockPoll = 50ms;

  // Called once, on any thread, perhaps before the call returns; must not call the book. Errors:
  // kInvalid a gap in replayed ids, kExhausted, kUnavailable after close().
  using Outcome = Result<PurgeReceipt>;
  using Done = io::Callback<Outcome>;

  PurgeBook(Options options, store::memory::Store& memory);
  ~PurgeBook() { close(); }

  // `keys`: those of the policies in force. With an id it is a replay: an order that is known has
  // no effect, the next number is taken over, a gap is refused unless the order is for everything.
  void carry_out(PurgeRequest request, std::span<const model::CacheKeyPolicy* const> keys,
                 Done done);
  // An unsafe method changed what the URL means (RFC 9111 §4.4): hard, no order. One write of some
  // 40 bytes to the page cache; never waits for a disk.
  void invalidate(std::string_view url_label);

  // Of this edge, with larger ids, oldest first, at most kPage. Not complete: orders after `id`
  // were forgotten, and who needs them purges everything.
  static constexpr std::size_t kPage = 1000;
  struct Orders {
    std::uint64_t newest = 0;
    bool is_complete = true;
    std::vector<NumberedOrder> orders;
  };
  Orders orders_since(std::uint64_t id) const;

  // An object for the disk carries stamps: now() as its fetch began, then label_hash of each label.
  // Until is_loaded() nothing is judged good: open the disk afterwards.
  bool is_loaded() const { return now() != 0; }
  Moment now() const { return now_.load(std::memory_order_acquire); }
  bool holds(std::span<const std::uint64_t> stamps) const;
  store::disk::StampJudge judge() const;
  // By prefixes as well, which stamps do not tell: for who brings an object into memory.
  store::memory::Standing standing(std::span<const std::uint64_t> stamps,
                                   std::string_view locator) const;
  // Since when a softly purged response is stale that was received then. None: the clock was set
  // back; take the time of the response.
  std::optional<WallTime> soft_purged_since(WallTime response) const;

  // Blocking: writes what is left, and lets another process have the journal. Idempotent.
  void close();
  bool is_failing() const { return is_broken_.load(std::memory_order_relaxed); }
  std::uint64_t failures() const { return failures_.load(std::memory_order_relaxed); }
  std::string trouble() const;  // why the journal cannot be written; empty: it can

 private:
  struct Task {
    PurgeRequest request;
    std::vector<std::string> labels;
    Instant arrived;
    Done done;
  };
  struct Waiting {
    PurgeReceipt receipt;
    Done done;
  };

  void number(Task task);
  std::optional<Error> gap_before(const PurgeRequest& request) const;
  void mark(const PurgeRecord& order);
  void keep(NumberedOrder order);
  void purge_memory(const PurgeOrder& order, std::span<const std::string> labels);
  void purge_memory_again(const NumberedOrder& order);

  void serve();
  bool take_journal();
  void load();
  void recall(const PurgeRecord& record);
  bool write_turn();
  Status write_anew(std::unique_lock<std::mutex>& hold);
  Status write_more(std::unique_lock<std::mutex>& hold, bool durably);
  void write_invalidation(const PurgeRecord& record);
  void give_up(const std::string& why);
  std::string all_records() const;
  std::uint64_t microseconds_since(Instant then) const;

  const Options options_;
  store::memory::Store& memory_;
  PurgeJournal journal_;  // the thread's; appended to under mutex_, while is_open_
  std::atomic<bool> is_broken_{false};
  std::atomic<std::uint64_t> failures_{0};

  std::mutex numbering_;  // one order after the other; before mutex_
  bool is_numbering_ = false, is_closed_ = false;
  std::vector<Task> parked_;  // before the journal is read

  mutable std::mutex mutex_;  // before marks_mutex_
  std::condition_variable wake_;
  std::atomic<Moment> now_{0};
  std::uint64_t newest_ = 0, forgotten_ = 0;  // ids
  std::deque<NumberedOrder> orders_;
  std::size_t order_bytes_ = 0;
  std::string records_;  // to be written
  std::string trouble_;
  bool is_open_ = false;      // the file is there, and nobody writes it anew
  bool must_rewrite_ = true;  // all of the journal, since it lacks some
  std::vector<Waiting> waiting_;
  bool stopping_ = false;

  mutable std::shared_mutex marks_mutex_;
  PurgeMarks marks_;
  SoftTimes soft_times_;

  std::thread thread_;
};

}  // namespace headgate::proxy
