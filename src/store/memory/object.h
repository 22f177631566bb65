#pragma once
// One stored response: metadata, serialised head, selector and labels in one allocation that never
// changes, and a Body, which a freshened object shares with the one that it replaces. Counted; kept
// alive by the table and by whoever reads it.
//
// Bytes mean nothing here. `metadata` is a trivially copyable struct of the caller's; `selector` is
// what tells this variant from others of the key (which fields, which values), and `secondary` its
// hash.
#include <array>
#include <cstring>
#include <span>
#include <string_view>
#include <type_traits>

#include "base/check.h"
#include "store/memory/body.h"
#include "store/memory/eviction.h"
#include "store/memory/generations.h"

namespace headgate::store::memory {

struct Entry;

// What a fill knows when the head is there.
struct Draft {
  std::uint64_t secondary = 0;
  std::string_view selector;
  std::string_view metadata;
  std::string_view head;
  std::span<const std::string_view> labels;
  std::optional<std::uint64_t> body_bytes;  // if the head told it
};

class Object final : public Counted<Object>, public Resident {
 public:
  static Ref<Object> create(Budget& budget, const Draft& draft, Ref<Body> body);
  void destroy();

  template <typename T>
  T metadata_as() const {
    static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= kMetadataBytesMax);
    HG_CHECK(sizeof(T) == metadata_bytes_, "metadata is read as what it was written");
    T value;
    std::memcpy(&value, metadata().data(), sizeof value);
    return value;
  }
  std::string_view metadata() const { return {bytes(), metadata_bytes_}; }
  std::string_view head() const { return {bytes() + metadata_bytes_, head_bytes_}; }
  std::string_view selector() const {
    return {bytes() + metadata_bytes_ + head_bytes_, selector_bytes_};
  }
  std::uint64_t secondary() const { return secondary_; }
  const Ref<Body>& body() const { return body_; }
  bool same_variant(const Object& other) const {
    return secondary_ == other.secondary_ && selector() == other.selector();
  }
  // It came back soon after it was evicted. Known once it is complete.
  bool seen_before() const { return seen_before_.load(std::memory_order_relaxed); }
  // For a tier below: whether this object, or the one that it replaced with the same body, has been
  // handed down. Says no once.
  bool hand_down() const {
    return handed_down() || handed_down_.exchange(true, std::memory_order_relaxed);
  }
  void take_back() const { handed_down_.store(false, std::memory_order_relaxed); }
  bool handed_down() const { return handed_down_.load(std::memory_order_relaxed); }

 private:
  friend class Shard;
  friend class Reader;
  friend class Fill;
  friend class View;
  Object(Budget& budget, const Draft& draft, Ref<Body> body);
  ~Object() = default;
  std::size_t allocated() const;
  std::span<LabelId> labels() { return {reinterpret_cast<LabelId*>(this + 1), label_count_}; }
  char* bytes() { return reinterpret_cast<char*>(this + 1) + label_count_ * sizeof(LabelId); }
  const char* bytes() const { return const_cast<Object*>(this)->bytes(); }
  std::uint64_t charge() const { return charge_of(allocated()) + body_->charge(); }
  bool readable() const {
    const BodyState state = body_->state();
    return state == BodyState::kFilling || state == BodyState::kComplete;
  }

  Budget& budget_;
  const Ref<Body> body_;
  const std::uint64_t secondary_;
  const std::uint32_t head_bytes_;
  const std::uint32_t selector_bytes_;
  const std::uint16_t metadata_bytes_;
  const std::uint16_t label_count_;
  std::atomic<bool> seen_before_{false};
  mutable std::atomic<bool> handed_down_{false};
  std::atomic<bool> listed_{false};  // found by its key; its labels are held
  Life life_;
  Entry* entry_ = nullptr;  // while listed; the shard's lock
};

}  // namespace headgate::store::memory
