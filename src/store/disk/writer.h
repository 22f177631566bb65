#pragma once
// The thread that writes: it alone appends to the log and puts into the index, in the order of the
// queue, so the last of two writes of one object stays.
#include <cstdint>
#include <memory>
#include <string_view>
#include <thread>
#include <vector>

#include "io/callback.h"
#include "store/disk/log.h"
#include "store/disk/request_queue.h"
#include "store/disk/state.h"
#include "store/disk/ticket.h"

namespace headgate::store::disk {

enum class WriteOutcome : std::uint8_t {
  kDone,     // written: a crash of the process does not lose it any more
  kFailed,   // the disk answered with an error, or is passed by since the request was accepted
  kSkipped,  // to be written again, but removed or stored anew meanwhile
};
using WriteDone = io::Callback<WriteOutcome>;

struct WriteRequest {
  enum class Kind : std::uint8_t { kStore, kRemove, kReadmit, kProbe };
  Kind kind = Kind::kStore;
  ObjectId id;
  WallTime expires_at;
  std::vector<std::uint64_t> stamps;
  std::string_view metadata, key, selector, head;  // of bytes that `owner` keeps
  std::vector<std::string_view> body;
  std::shared_ptr<const void> owner;
  Location from;  // kReadmit: written again only while it lies there
  Ticket ticket;
  WriteDone done;

  RecordContent content() const;
};

class Writer {
 public:
  // `after_each` is called on the writer's thread.
  Writer(State& state, std::uint64_t next_segment, io::Callback<> after_each);
  // Writes what was accepted.
  ~Writer() { stop(); }
  void start();
  void stop();

  // See RequestQueue::push.
  bool push(WriteRequest& request, const QueueLimits& limits);

 private:
  void run();
  void handle(WriteRequest& request);
  WriteOutcome write(const WriteRequest& request);
  void apply(const WriteRequest& request, Location location);

  State& state_;
  Log log_;
  io::Callback<> after_each_;
  RequestQueue<WriteRequest> queue_;
  std::thread thread_;
};

}  // namespace headgate::store::disk
