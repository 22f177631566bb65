#pragma once
// One reader of a body, on one worker. It reads what is there without a lock, and waits for more by
// a Wakeup. A body that was complete when it was opened costs no lock and no allocation at all. The
// reader keeps the body alive.
#include <atomic>
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "store/memory/body.h"

namespace headgate::store::memory {

class BodyReader : private ListNode<OpenReader> {
 public:
  enum class Next : std::uint8_t {
    kBytes,  // gather() has something
    kWait,   // the writer is behind: wait()
    kEnd,    // all was read, and the body is complete
    kCut,    // all that ever came was read, and the body failed or was abandoned
    kGone,   // opened after its start was dropped: fetch it anew
  };

  // `target` is woken on the thread that drains `queue`, after wait().
  BodyReader(Ref<Body> body, WakeQueue& queue, Wakeable& target);
  ~BodyReader();
  BodyReader(const BodyReader&) = delete;
  BodyReader& operator=(const BodyReader&) = delete;

  Next next() const;
  // Views of the bytes that follow, at most `bytes_max` of them, one a block; returns how many
  // views. They live until consume() passes them.
  std::size_t gather(std::span<std::string_view> pieces, std::uint64_t bytes_max) const;
  // Passes bytes that are there; a range begins with this.
  void consume(std::uint64_t bytes);
  // True: target's on_wake will run once next() is no longer kWait. False: it has changed already.
  bool wait();
  std::uint64_t position() const { return position_; }

 private:
  friend class Body;
  friend class headgate::List<BodyReader, OpenReader>;
  void stand_on(Block& block);

  const Ref<Body> body_;
  WakeQueue& queue_;
  Wakeable& target_;
  std::optional<Wakeup> wakeup_;
  Block* block_ = nullptr;  // null: gone
  std::uint64_t position_ = 0;
  std::atomic<std::uint64_t> block_start_{0};  // of block_, for the writer
  bool registered_ = false;                    // in the body's list
};

}  // namespace headgate::store::memory
