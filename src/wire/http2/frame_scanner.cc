#include "wire/http2/frame_scanner.h"

#include <algorithm>
#include <cstring>

namespace headgate::wire::http2 {
namespace {

// Frame types (RFC 9113 §6, RFC 9218 §7.1).
enum Type : unsigned char {
  kData = 0,
  kHeaders = 1,
  kPriority = 2,
  kReset = 3,
  kSettings = 4,
  kPushPromise = 5,
  kPing = 6,
  kGoaway = 7,
  kWindowUpdate = 8,
  kContinuation = 9,
  kPriorityUpdate = 16,
};
constexpr unsigned char kEndStream = 1;
constexpr unsigned char kEndHeaders = 4;

}  // namespace

std::optional<Flood> FrameScanner::scan(std::string_view bytes, FloodGuard& guard, Instant now) {
  while (!bytes.empty()) {
    if (skip_ > 0) {
      const std::size_t n = std::min(skip_, bytes.size());
      skip_ -= n;
      bytes.remove_prefix(n);
      continue;
    }
    if (have_ == 0) ++frames_;
    const std::size_t n = std::min(header_.size() - have_, bytes.size());
    std::memcpy(header_.data() + have_, bytes.data(), n);
    have_ += n;
    bytes.remove_prefix(n);
    if (have_ < header_.size()) return std::nullopt;
    have_ = 0;
    if (const auto flood = judge(guard, now)) return flood;
  }
  return std::nullopt;
}

std::uint64_t FrameScanner::unfinished() const {
  if (block_begun_ != 0 && (block_open_ || skip_ > 0)) return block_begun_;
  return have_ > 0 || (skip_ > 0 && !in_data_) ? frames_ : 0;
}

std::optional<Flood> FrameScanner::grow_head(std::size_t length, bool continued) {
  continuations_ = continued ? continuations_ + 1 : 0;
  head_bytes_ = (continued ? head_bytes_ : 0) + static_cast<std::uint32_t>(length);
  if (continuations_ > limits_.continuations_max || head_bytes_ > limits_.header_kill_bytes)
    return Flood::kContinuations;
  return std::nullopt;
}

// Other frames inside a header block are an error, which the library finds.
void FrameScanner::note_block(unsigned char type, unsigned char flags) {
  if (type != kHeaders && type != kPushPromise && type != kContinuation) {
    block_begun_ = 0;
    block_open_ = false;
    return;
  }
  if (!block_open_) block_begun_ = frames_;
  block_open_ = !(flags & kEndHeaders);
}

// Empty DATA hidden in padding is charged by the engine, which sees the payload.
std::optional<Flood> FrameScanner::judge(FloodGuard& guard, Instant now) {
  const std::size_t length = static_cast<std::size_t>(header_[0]) << 16 |
                             static_cast<std::size_t>(header_[1]) << 8 | header_[2];
  const unsigned char flags = header_[4];
  skip_ = length;
  in_data_ = header_[3] == kData;
  note_block(header_[3], flags);
  std::optional<Flood> kind;
  switch (header_[3]) {
    case kData:
      if (length == 0 && !(flags & kEndStream)) kind = Flood::kEmptyData;
      break;
    case kHeaders:
    case kPushPromise: return grow_head(length, false);
    case kContinuation: return grow_head(length, true);
    case kPriority:
    case kPriorityUpdate: kind = Flood::kPriority; break;
    case kReset:
      ++resets_;
      kind = Flood::kResets;
      break;
    case kSettings: kind = Flood::kSettings; break;
    // An ack that nobody asked for costs as much as a question.
    case kPing: kind = Flood::kPings; break;
    case kWindowUpdate: kind = Flood::kWindowUpdates; break;
    default: kind = Flood::kOther; break;
  }
  if (kind && !guard.charge(*kind, now)) return kind;
  return std::nullopt;
}

}  // namespace headgate::wire::http2
