#pragma once
// The writer of one object, on one worker; dies before the store. Destroyed before complete() or
// fail(), it abandons the object: whoever reads it is cut, and it is not found again.
#include <cstdint>
#include <string_view>

#include "store/memory/object.h"

namespace headgate::store::memory {

class Shard;
class Store;

class Fill {
 public:
  Fill(Store& store, Shard& shard, Ref<Object> object)
      : store_(&store), shard_(&shard), object_(std::move(object)) {}
  Fill(Fill&&) noexcept = default;
  Fill& operator=(Fill&& other) noexcept;
  ~Fill() { end(BodyState::kAbandoned); }

  // To be read by BodyReader, as by everybody else.
  const Ref<Object>& object() const { return object_; }

  // Takes all of it. An object that grows beyond the store's object_bytes_max, or for which nothing
  // else can make room, is not kept: it passes through, and room() says how much its slowest reader
  // lets the writer append.
  void append(std::string_view bytes);
  // It shall not be kept: those who read it get all of it, nobody else does.
  void pass_through();
  bool passing() const { return object_->body()->passing(); }
  std::uint64_t room() const { return object_->body()->room(); }
  // True: woken when there is room again. False: there is.
  bool wait_for_room(Waker& waker) const { return object_->body()->wait_for_room(waker); }
  void stop_waiting_for_room(Waker& waker) const { object_->body()->stop_waiting_for_room(waker); }
  // Nobody reads: the writer may stop what is passing through.
  bool read_by_somebody() const { return object_->body()->readers() > 0; }

  // The whole body was appended. Afterwards object()->seen_before() tells whether it came back soon
  // after an eviction.
  void complete();
  // The origin cut it.
  void fail() { end(BodyState::kFailed); }

 private:
  void end(BodyState state);
  Store* store_;
  Shard* shard_;
  Ref<Object> object_;  // empty: moved from
  bool ended_ = false;
};

}  // namespace headgate::store::memory
