#pragma once
// The threads that read: they look at the disk, judge what they find, and call the completions.
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "io/callback.h"
#include "store/disk/object.h"
#include "store/disk/request_queue.h"
#include "store/disk/state.h"
#include "store/disk/ticket.h"

namespace headgate::store::disk {

enum class ReadOutcome : std::uint8_t {
  kHit,
  kMiss,    // not there after all: another key, damaged, expired, a stamp that does not hold
  kFailed,  // the disk answered with an error
  kClosed,  // the store ends
};

struct ReadResult {
  ReadOutcome outcome = ReadOutcome::kMiss;
  std::shared_ptr<const Object> object;  // of a hit
  Bytes body;                            // the part asked for, at most kSliceBytes of it
};
using ReadDone = io::Callback<ReadResult>;

struct Lookup {
  ObjectId id;
  std::string key, selector;
  std::uint64_t body_offset = 0;
  std::uint64_t body_bytes = kSliceBytes;
};

struct ReadRequest {
  Lookup lookup;
  std::shared_ptr<const Object> object;  // when it is known already
  Ticket ticket;
  ReadDone done;
};

class Readers {
 public:
  explicit Readers(State& state) : state_(state) {}
  // Answers what is queued with kClosed.
  ~Readers() { stop(); }
  void start();
  void stop();
  // See RequestQueue::push.
  bool push(ReadRequest& request);

 private:
  void run();
  ReadResult answer(const ReadRequest& request);
  ReadResult find(const Lookup& lookup);
  ReadResult judge(const Lookup& lookup, std::shared_ptr<const Object> object);
  ReadResult part_of(const Lookup& lookup, std::shared_ptr<const Object> object);
  ReadResult miss(std::uint64_t fingerprint, Location location, Count why);
  ReadResult fault(std::uint64_t fingerprint, Location location, ReadFault fault);

  State& state_;
  RequestQueue<ReadRequest> queue_;
  std::atomic<bool> closing_{false};
  std::vector<std::thread> threads_;
};

}  // namespace headgate::store::disk
