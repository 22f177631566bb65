#include "store/memory/body_reader.h"

#include <mutex>

namespace headgate::store::memory {

BodyReader::BodyReader(Ref<Body> body, WakeQueue& queue, Wakeable& target)
    : body_(std::move(body)), queue_(queue), target_(target) {
  if (body_->state() == BodyState::kComplete && !body_->passing()) {
    block_ = body_->first_;
    return;
  }
  const std::lock_guard hold(body_->lock_);
  if (body_->first_->start > 0) return;
  block_ = body_->first_;
  body_->readers_.push_back(*this);
  registered_ = true;
}

BodyReader::~BodyReader() {
  if (wakeup_) body_->stop_waiting(wakeup_->waker());
  if (!registered_) return;
  {
    const std::lock_guard hold(body_->lock_);
    ListNode<OpenReader>::unlink();
  }
  if (body_->passing()) body_->reader_moved();
}

BodyReader::Next BodyReader::next() const {
  if (!block_) return Next::kGone;
  const BodyState state =
      body_->state();  // before the length: an end that is seen has all its bytes
  if (position_ < body_->length()) return Next::kBytes;
  if (state == BodyState::kFilling) return Next::kWait;
  return state == BodyState::kComplete ? Next::kEnd : Next::kCut;
}

std::size_t BodyReader::gather(std::span<std::string_view> pieces, std::uint64_t bytes_max) const {
  if (!block_) return 0;
  std::uint64_t at = position_;
  std::uint64_t left = std::min(bytes_max, body_->length() - position_);
  std::size_t count = 0;
  for (Block* block = block_; left > 0 && count < pieces.size();) {
    if (at == block->end()) {
      block = block->next.load(std::memory_order_acquire);
      continue;
    }
    const auto n = static_cast<std::size_t>(std::min(left, block->end() - at));
    pieces[count++] = {block->bytes() + (at - block->start), n};
    at += n;
    left -= n;
  }
  return count;
}

void BodyReader::consume(std::uint64_t bytes) {
  HG_CHECK(block_ && bytes <= body_->length() - position_, "a reader passes what is there");
  position_ += bytes;
  Block* block = block_;
  while (position_ >= block->end()) {
    Block* const next = block->next.load(std::memory_order_acquire);
    if (!next) break;
    block = next;
  }
  if (block != block_) stand_on(*block);
}

void BodyReader::stand_on(Block& block) {
  block_ = &block;
  if (!registered_) return;
  // In one order with Body::pass_through: either it sees where we stand, or we see that it passes
  // through.
  block_start_.store(block.start, std::memory_order_seq_cst);
  if (body_->passing()) body_->reader_moved();
}

bool BodyReader::wait() {
  if (!block_) return false;
  if (!wakeup_) wakeup_.emplace(queue_, target_);
  return body_->wait_for_more(wakeup_->waker(), position_);
}

}  // namespace headgate::store::memory
