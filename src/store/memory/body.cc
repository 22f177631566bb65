#include "store/memory/body.h"

#include <cstring>
#include <mutex>
#include <new>

#include "store/memory/body_reader.h"

namespace headgate::store::memory {
namespace {
std::size_t first_capacity_for(std::optional<std::uint64_t> expected) {
  if (!expected) return kBlockBytesFirst;
  return static_cast<std::size_t>(std::min<std::uint64_t>(*expected, kBlockBytesMax));
}
}  // namespace

Ref<Body> Body::create(Budget& budget, std::optional<std::uint64_t> expected) {
  const std::size_t capacity = first_capacity_for(expected);
  void* memory = budget.allocate(sizeof(Body) + sizeof(Block) + capacity);
  return Ref<Body>::adopt(::new (memory) Body(budget, expected.value_or(0), capacity));
}

Body::Body(Budget& budget, std::uint64_t expected, std::size_t first_capacity)
    : budget_(budget),
      expected_(expected),
      charge_(charge_of(sizeof(Body) + sizeof(Block) + first_capacity)) {
  first_ = last_ = ::new (static_cast<void*>(this + 1)) Block(0, first_capacity);
}

void Body::destroy() {
  Budget& budget = budget_;
  const std::size_t own_bytes = sizeof(Body) + sizeof(Block) + own_block().capacity;
  for (Block* block = first_; block;) {
    Block* const next = block->next.load(std::memory_order_relaxed);
    free_block(*block);
    block = next;
  }
  this->~Body();
  budget.release(this, own_bytes);
}

void Body::free_block(Block& block) {
  if (&block == &own_block()) return;
  const std::size_t bytes = sizeof(Block) + block.capacity;
  charge_.store(charge_.load(std::memory_order_relaxed) - charge_of(bytes),
                std::memory_order_relaxed);
  budget_.release(&block, bytes);
}

// The rest when the length is known; else blocks grow with the body, so that at most half of the
// last one is wasted.
std::size_t Body::next_capacity(std::size_t wanted) const {
  const std::uint64_t have = last_->end();
  if (expected_ > have)
    return static_cast<std::size_t>(std::min<std::uint64_t>(expected_ - have, kBlockBytesMax));
  return std::clamp<std::size_t>(std::max<std::uint64_t>(have, wanted), kBlockBytesNext,
                                 kBlockBytesMax);
}

Block& Body::add_block(std::size_t wanted) {
  const std::size_t capacity = next_capacity(wanted);
  const std::size_t bytes = sizeof(Block) + capacity;
  auto* const block = ::new (budget_.allocate(bytes)) Block(last_->end(), capacity);
  const std::lock_guard hold(lock_);
  charge_.store(charge_.load(std::memory_order_relaxed) + charge_of(bytes),
                std::memory_order_relaxed);
  last_->next.store(block, std::memory_order_release);
  last_ = block;
  return *block;
}

void Body::append(std::string_view bytes) {
  std::uint64_t length = length_.load(std::memory_order_relaxed);
  while (!bytes.empty()) {
    Block& block = length < last_->end() ? *last_ : add_block(bytes.size());
    const std::size_t n = std::min<std::size_t>(bytes.size(), block.end() - length);
    std::memcpy(block.bytes() + (length - block.start), bytes.data(), n);
    length += n;
    bytes.remove_prefix(n);
  }
  length_.store(length, std::memory_order_release);
  WakeChain woken;
  const std::lock_guard hold(lock_);
  if (passing()) drop_passed();
  waiting_.take_all(woken);
}

void Body::finish(BodyState end) {
  HG_CHECK(state() == BodyState::kFilling && end != BodyState::kFilling, "a body ends once");
  WakeChain woken;
  const std::lock_guard hold(lock_);
  state_.store(end, std::memory_order_release);
  waiting_.take_all(woken);
}

void Body::pass_through() {
  const std::lock_guard hold(lock_);
  passing_.store(true, std::memory_order_seq_cst);
  drop_passed();
}

std::uint64_t Body::slowest() {
  std::uint64_t start = last_->start;
  for (BodyReader* reader = readers_.empty() ? nullptr : &readers_.front(); reader;
       reader = readers_.next_of(*reader))
    start = std::min(start, reader->block_start_.load(std::memory_order_seq_cst));
  return start;
}

void Body::drop_passed() {
  const std::uint64_t keep_from = slowest();
  while (first_->start < keep_from) {
    Block* const next = first_->next.load(std::memory_order_relaxed);
    free_block(*first_);
    first_ = next;
  }
}

std::uint64_t Body::room_locked() {
  if (!passing() || readers_.empty()) return kUnlimited;
  const std::uint64_t held = length_.load(std::memory_order_relaxed) - slowest();
  return held < kPassWindowBytes ? kPassWindowBytes - held : 0;
}

std::uint64_t Body::room() {
  const std::lock_guard hold(lock_);
  return room_locked();
}

bool Body::wait_for_room(Waker& waker) {
  const std::lock_guard hold(lock_);
  if (room_locked() > 0) return false;
  writer_waiting_.add(waker);
  return true;
}

void Body::stop_waiting_for_room(Waker& waker) {
  const std::lock_guard hold(lock_);
  writer_waiting_.remove(waker);
}

std::size_t Body::readers() {
  const std::lock_guard hold(lock_);
  std::size_t count = 0;
  for (BodyReader* reader = readers_.empty() ? nullptr : &readers_.front(); reader;
       reader = readers_.next_of(*reader))
    ++count;
  return count;
}

bool Body::wait_for_more(Waker& waker, std::uint64_t seen) {
  const std::lock_guard hold(lock_);
  if (length() > seen || state() != BodyState::kFilling) return false;
  waiting_.add(waker);
  return true;
}

void Body::stop_waiting(Waker& waker) {
  const std::lock_guard hold(lock_);
  waiting_.remove(waker);
}

void Body::reader_moved() {
  WakeChain woken;
  const std::lock_guard hold(lock_);
  drop_passed();
  if (room_locked() > 0) writer_waiting_.take_all(woken);
}

}  // namespace headgate::store::memory
