#include "store/memory/fill.h"

#include "store/memory/shard.h"
#include "store/memory/store.h"

namespace headgate::store::memory {

Fill& Fill::operator=(Fill&& other) noexcept {
  end(BodyState::kAbandoned);
  store_ = other.store_;
  shard_ = other.shard_;
  object_ = std::move(other.object_);
  ended_ = other.ended_;
  return *this;
}

void Fill::append(std::string_view bytes) {
  Body& body = *object_->body();
  body.append(bytes);
  if (body.passing()) return;
  const bool keeps = body.length() <= store_->options().object_bytes_max && store_->make_room();
  if (!keeps) pass_through();
}

void Fill::pass_through() {
  if (passing()) return;
  object_->body()->pass_through();
  shard_->unlist(*object_);
}

void Fill::complete() {
  if (ended_) return;
  ended_ = true;
  object_->body()->finish(BodyState::kComplete);
  shard_->complete(*object_);
  store_->make_room();
}

void Fill::end(BodyState state) {
  if (!object_ || ended_) return;
  ended_ = true;
  const bool is_listed = !passing();
  object_->body()->finish(state);
  if (is_listed) shard_->unlist(*object_);
}

}  // namespace headgate::store::memory
