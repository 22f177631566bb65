#include "wire/http2/stream.h"

#include <algorithm>

#include "base/check.h"

namespace headgate::wire::http2 {

std::vector<StreamTable::Entry>::iterator StreamTable::position(StreamId id) {
  return std::lower_bound(streams_.begin(), streams_.end(), id,
                          [](const Entry& entry, StreamId wanted) { return entry.id < wanted; });
}

Stream& StreamTable::add(StreamId id) {
  HG_CHECK(streams_.empty() || streams_.back().id < id, "stream ids only grow");
  streams_.push_back({id, std::make_unique<Stream>()});
  last_ = streams_.back().stream.get();
  last_->id = id;
  return *last_;
}

Stream* StreamTable::find(StreamId id) {
  if (last_ && last_->id == id) return last_;
  const auto at = position(id);
  if (at == streams_.end() || at->id != id) return nullptr;
  return last_ = at->stream.get();
}

// An empty table gives its memory back: idle connections are many.
void StreamTable::remove(StreamId id) {
  const auto at = position(id);
  if (at == streams_.end() || at->id != id) return;
  if (last_ == at->stream.get()) last_ = nullptr;
  streams_.erase(at);
  if (streams_.empty() && streams_.capacity() > 32) streams_.shrink_to_fit();
}

std::size_t StreamTable::memory_bytes() const {
  std::size_t total = streams_.capacity() * sizeof(Entry);
  for (const Entry& entry : streams_) total += sizeof(Stream) + entry.stream->send.memory_bytes();
  return total;
}

}  // namespace headgate::wire::http2
