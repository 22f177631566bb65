#pragma once
// Bytes on their way into a stream: what the kernel did not take is kept here and sent when it is writable again.
// The owner bounds it by stopping whoever produces (backpressure); an empty outbox holds no memory after shrink().
#include <cstddef>
#include <string>
#include <string_view>

#include "io/stream.h"

namespace headgate::io {

class Outbox {
 public:
  std::size_t size() const { return bytes_.size() - sent_; }
  bool empty() const { return size() == 0; }
  // Text that is to leave with the next write. Appending does not send.
  std::string& text() { return bytes_; }
  // Sends what is kept, then `more`; keeps what was not taken. False: the connection is broken.
  bool write(Stream& stream, std::string_view more, std::string_view tail = {});
  bool flush(Stream& stream) { return empty() || write(stream, {}); }
  bool blocked() const { return blocked_; }  // the kernel refused: wait for writability
  void clear();
  void shrink() { if (empty() && bytes_.capacity() > 256) std::string().swap(bytes_); }
  // Memory that goes round among the outboxes of one thread: who begins to write borrows it, who is done lends it again.
  void borrow(std::string& spare) { if (bytes_.capacity() < spare.capacity() && bytes_.empty()) bytes_.swap(spare); }
  void lend(std::string& spare) {
    if (!empty() || bytes_.capacity() > kSpareBytesMax) return shrink();
    if (spare.capacity() < bytes_.capacity()) bytes_.swap(spare);
    shrink();
  }

 private:
  static constexpr std::size_t kSpareBytesMax = 65536;
  std::string bytes_;
  std::size_t sent_ = 0;
  bool blocked_ = false;
};

}  // namespace headgate::io
