#pragma once
// The disk tier of the object cache: opaque bytes under hashes, shared by all workers, kept across
// restarts.
//
// Workers ask and are told later; nothing here waits for a disk. A request is accepted or refused
// at once (Admission). The completion of an accepted one is called once on an I/O thread: it posts
// what it was given to its worker's io::Mailbox and does nothing else, and what it holds may be
// destroyed on any thread. It is not called after the ticket was cancelled. When the destructor
// returns, every completion was called and none will be.
//
// What never happens, whatever the disk does: bytes that were not stored under that key. Each
// record, block and checkpoint has checksums that are compared before use, and the full key is
// compared. What may be lost: at a crash of the process, what was accepted but not yet done. At a
// loss of power, what was stored or removed within the last `sync_interval` (default 5 s): a
// removed or replaced object may be back then, so what must stay removed belongs into stamps, whose
// log is the caller's. Damage to a segment costs the objects in it; an older version of an object
// may take the place of a damaged one when the index has to be rebuilt from the segments. A disk
// that fails or is full: stores are refused (kUnavailable), `alarm` says why, a probe with growing
// pauses finds out when it is well again. Objects that are there are served as long as they can be
// read.
//
// A directory belongs to one process.
#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "io/callback.h"
#include "io/fd.h"
#include "store/disk/counters.h"
#include "store/disk/keeper.h"
#include "store/disk/object.h"
#include "store/disk/options.h"
#include "store/disk/readers.h"
#include "store/disk/recovery.h"
#include "store/disk/ticket.h"
#include "store/disk/writer.h"

namespace headgate::store::disk {

enum class Admission : std::uint8_t {
  kAccepted,     // the completion will be called
  kAbsent,       // it is not there
  kBusy,         // a queue is full: go on without the disk
  kUnavailable,  // the disk is failing: go on without it
  kRefused,      // beyond a limit
};

struct NewObject {
  ObjectId id;
  WallTime expires_at;                // after that it is of no use at all
  std::vector<std::uint64_t> stamps;  // see StampJudge
  std::string_view metadata, key, selector, head;
  std::vector<std::string_view> body;  // in pieces
  std::shared_ptr<const void> owner;   // keeps all these bytes until the completion
};

class Store {
 public:
  // Blocking: start-up. kUnavailable: another process has the directory; kInvalid: an option, or a
  // directory of another format, which stays as it is.
  static Result<std::unique_ptr<Store>> open(Options options);
  // On other files, without a lock: tests.
  static Result<std::unique_ptr<Store>> open(Options options, std::unique_ptr<Files> files);
  // Blocking: writes what was accepted, and a checkpoint.
  ~Store();

  // Any thread, without waiting.
  Admission get(Lookup lookup, ReadDone done, Ticket ticket = {});
  // Another part of a body, kHit or kFailed; damage is kMiss, and the object is gone then.
  Admission read(std::shared_ptr<const Object> object, std::uint64_t offset, std::uint64_t bytes,
                 ReadDone done, Ticket ticket = {});
  Admission put(NewObject object, WriteDone done, Ticket ticket = {});
  // Whoever asks afterwards does not find what is stored now, whatever the admission; when it is
  // done it stays so across a restart.
  Admission remove(const ObjectId& id, WriteDone done);

  const Counters& counters() const { return state_.counters; }
  struct Figures {
    std::uint64_t objects, index_bytes, object_bytes, segments, segment_bytes;
  };
  Figures figures() const;
  struct Alarms {
    std::optional<Health::Alarm> writing, reading;
  };
  Alarms alarms() const { return {state_.writing.alarm(), state_.reading.alarm()}; }
  const Recovered& recovered() const { return recovered_; }

 private:
  Store(Options options, std::unique_ptr<Files> files, io::Fd lock);
  Status start();

  const io::Fd lock_;
  State state_;
  Recovered recovered_;
  std::unique_ptr<Writer> writer_;
  std::unique_ptr<Keeper> keeper_;
  std::unique_ptr<Readers> readers_;
};

}  // namespace headgate::store::disk
