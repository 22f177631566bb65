#pragma once
// The bytes of an object: a chain of blocks that one writer appends to while any number of workers
// read. The writer publishes the length after the bytes (release; readers acquire), so that reading
// what is there takes no lock. A body ends complete, failed (the origin cut it) or abandoned (the
// writer left); each end wakes everybody.
//
// A body that turns out too large to keep is turned into a pass-through: blocks that every reader
// has passed are dropped, whoever opens it later finds its start gone, and the writer asks room()
// so that the slowest reader holds it back.
#include <atomic>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/list.h"
#include "store/memory/budget.h"
#include "store/memory/limits.h"
#include "store/memory/ref.h"
#include "store/memory/short_lock.h"
#include "store/memory/wake.h"

namespace headgate::store::memory {

class BodyReader;
struct OpenReader {};  // names the list of readers of a body

enum class BodyState : std::uint8_t { kFilling, kComplete, kFailed, kAbandoned };

// Header of a block; its bytes follow.
struct Block {
  Block(std::uint64_t first, std::size_t size) : start(first), capacity(size) {}
  char* bytes() { return reinterpret_cast<char*>(this + 1); }
  std::uint64_t end() const { return start + capacity; }
  const std::uint64_t start;  // offset of its first byte in the body
  const std::size_t capacity;
  std::atomic<Block*> next{nullptr};
};

class Body final : public Counted<Body> {
 public:
  static constexpr std::uint64_t kUnlimited = UINT64_MAX;

  // `expected`: the length, if the head told it; then the last block fits exactly.
  static Ref<Body> create(Budget& budget, std::optional<std::uint64_t> expected);
  void destroy();

  // The writer, one thread at a time.
  void append(std::string_view bytes);
  void finish(BodyState end);
  void pass_through();
  std::uint64_t room();  // bytes that may be appended now; kUnlimited unless passing through
  bool wait_for_room(Waker& waker);  // false: there is room
  void stop_waiting_for_room(Waker& waker);
  std::size_t readers();  // that opened it while it was filling and still read

  // Any thread.
  BodyState state() const { return state_.load(std::memory_order_acquire); }
  std::uint64_t length() const { return length_.load(std::memory_order_acquire); }
  bool passing() const { return passing_.load(std::memory_order_seq_cst); }
  // Allocations of it that are alive. Exact once it is complete.
  std::uint64_t charge() const { return charge_.load(std::memory_order_relaxed); }

 private:
  friend class BodyReader;
  Body(Budget& budget, std::uint64_t expected, std::size_t first_capacity);
  ~Body() = default;
  std::size_t next_capacity(std::size_t wanted) const;
  Block& add_block(std::size_t wanted);
  void free_block(Block& block);
  Block& own_block() { return *reinterpret_cast<Block*>(this + 1); }  // allocated with the body
  bool wait_for_more(Waker& waker, std::uint64_t seen);
  void stop_waiting(Waker& waker);
  void reader_moved();
  std::uint64_t slowest();  // these three under lock_
  void drop_passed();
  std::uint64_t room_locked();

  Budget& budget_;
  const std::uint64_t expected_;  // 0: unknown
  std::atomic<std::uint64_t> length_{0};
  std::atomic<std::uint64_t> charge_{0};
  ShortLock lock_;
  std::atomic<BodyState> state_{BodyState::kFilling};
  std::atomic<bool> passing_{false};
  Block* first_;  // changes under lock_, when passing through
  Block* last_;   // the writer's; changes under lock_
  WakeList waiting_;
  WakeList writer_waiting_;
  List<BodyReader, OpenReader> readers_;
};

}  // namespace headgate::store::memory
