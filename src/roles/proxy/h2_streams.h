#pragma once
// The stream objects of one HTTP/2 connection, found by id. They are reused: memory is taken only
// when more are open at once than ever before on the connection. An object that ended stays as it
// is until sweep(), because callers further up the stack may still hold it. Worker thread.
#include <algorithm>
#include <cstddef>
#include <memory>
#include <vector>

#include "wire/http2/error_code.h"

namespace headgate::proxy {

template <typename T>
class H2Streams {
  using StreamId = wire::http2::StreamId;

 public:
  // An object that is not in use; `make()` returns a new one when none is left.
  template <typename Make>
  T& take(Make make) {
    ++count_;
    if (free_.empty()) {
      all_.push_back(make());
      return *all_.back();
    }
    T& item = *free_.back();
    free_.pop_back();
    return item;
  }
  // `id` is above all that were bound before.
  void bind(T& item, StreamId id) { bound_.push_back({id, &item}); }
  T* find(StreamId id) const {
    const auto at = position(id);
    return at != bound_.end() && at->id == id ? at->item : nullptr;
  }
  // `id` 0: it was never bound.
  void end(T& item, StreamId id) {
    if (const auto at = position(id); at != bound_.end() && at->id == id) bound_.erase(at);
    --count_;
    ended_.push_back(&item);
  }
  // Outside of every callback: what ended may be reused.
  void sweep() {
    free_.insert(free_.end(), ended_.begin(), ended_.end());
    ended_.clear();
  }
  std::size_t count() const { return count_; }
  // Every object, in use or not; the number may grow while one walks.
  std::size_t size() const { return all_.size(); }
  T& operator[](std::size_t i) const { return *all_[i]; }

 private:
  struct Bound {
    StreamId id;
    T* item;
  };
  typename std::vector<Bound>::const_iterator position(StreamId id) const {
    return std::lower_bound(bound_.begin(), bound_.end(), id,
                            [](const Bound& b, StreamId wanted) { return b.id < wanted; });
  }
  std::vector<std::unique_ptr<T>> all_;
  std::vector<Bound> bound_;
  std::vector<T*> free_, ended_;
  std::size_t count_ = 0;
};

}  // namespace headgate::proxy
