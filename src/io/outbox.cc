#include "io/outbox.h"

namespace headgate::io {

void Outbox::clear() {
  bytes_.clear();
  sent_ = 0;
  blocked_ = false;
}

namespace {
// Below this, copying pieces together and one send() cost less than gathering them by sendmsg().
constexpr std::size_t kJoinBytesMax = 4096;
}  // namespace

bool Outbox::write(Stream& stream, std::string_view more, std::string_view tail) {
  if (!bytes_.empty() && more.size() + tail.size() <= kJoinBytesMax) {
    bytes_.append(more).append(tail);
    more = tail = {};
  }
  const std::string_view kept = std::string_view(bytes_).substr(sent_);
  const std::size_t total = kept.size() + more.size() + tail.size();
  if (total == 0) return true;
  const Transfer transfer = stream.write(kept, more, tail);
  if (transfer.state == Transfer::State::kClosed || transfer.state == Transfer::State::kFailed) return false;
  blocked_ = transfer.bytes < total;
  if (!blocked_) {
    bytes_.clear();
    sent_ = 0;
    return true;
  }
  std::size_t taken = transfer.bytes;
  if (taken < kept.size()) {
    sent_ += taken;
    taken = 0;
  } else {
    taken -= kept.size();
    bytes_.clear();
    sent_ = 0;
  }
  const std::size_t of_more = taken < more.size() ? taken : more.size();
  bytes_.append(more.substr(of_more));
  bytes_.append(tail.substr(taken - of_more));
  return true;
}

}  // namespace headgate::io
