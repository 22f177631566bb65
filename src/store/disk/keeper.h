#pragma once
// The thread that keeps house: syncs, writes checkpoints, asks a failing disk whether it is well
// again, and saves the objects that were of use from the segment that goes next.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>

#include "base/time.h"
#include "store/disk/object.h"
#include "store/disk/state.h"
#include "store/disk/writer.h"

namespace headgate::store::disk {

class Keeper {
 public:
  Keeper(State& state, Writer& writer) : state_(state), writer_(writer) {}
  ~Keeper() { stop(); }
  void start(bool has_checkpoint);
  void stop();
  // After a write: looks only whether there is something to do. The writer's thread.
  void written();
  // What a clean end does once more. After stop().
  void sync();
  void checkpoint();

 private:
  void run();
  void turn();
  void probe_when_due(Instant now);
  bool rescue_is_due() const;
  void rescue(const Segment& segment);
  bool readmit(const std::shared_ptr<const Segment>& segment, const IndexEntry& entry);
  bool write_and_wait(WriteRequest request);
  bool wanted(const Object& object) const;
  bool stopping();

  State& state_;
  Writer& writer_;
  std::mutex mutex_;
  std::condition_variable wake_;
  bool stopping_ = false;
  bool woken_ = false;
  Instant sync_at_, checkpoint_at_;
  std::uint64_t checkpoint_covers_ = 0;  // Place::sequence
  bool checkpoint_failed_ = false;
  std::atomic<std::uint64_t> rescued_{0};  // number of the last segment that was looked through
  std::thread thread_;
};

}  // namespace headgate::store::disk
