#include "roles/proxy/tunnel_direction.h"

#include <algorithm>

namespace headgate::proxy {

namespace {
// A fast pair leaves the worker to the others after this many reads.
constexpr int kReadsPerPump = 8;
}  // namespace

TunnelDirection::TunnelDirection(WorkerContext& worker) : worker_(worker), read_bytes_max_(worker.scratch.size()) {}

void TunnelDirection::limit(std::size_t read_bytes_max) {
  read_bytes_max_ = std::clamp<std::size_t>(read_bytes_max, 1, worker_.scratch.size());
}

TunnelDirection::State TunnelDirection::pump(io::Stream& from, io::Stream& to) {
  if (ended_) return State::kEnded;
  for (int reads = 0;; ++reads) {
    if (!out_.flush(to)) return State::kToBroken;
    if (!out_.empty()) return State::kWaiting;
    if (end_seen_) return pass_end(to);
    if (!readable_) break;
    if (reads == kReadsPerPump) return State::kMore;
    const io::Transfer transfer = from.read(worker_.scratch.data(), read_bytes_max_);
    if (transfer.state == io::Transfer::State::kFailed) return State::kFromBroken;
    if (transfer.state == io::Transfer::State::kClosed) end_seen_ = true;
    if (transfer.state != io::Transfer::State::kDone || (from.drained() && !end_coming_)) readable_ = false;
    if (transfer.bytes == 0) continue;
    bytes_ += transfer.bytes;
    if (!out_.write(to, {worker_.scratch.data(), transfer.bytes})) return State::kToBroken;
  }
  out_.shrink();
  return State::kWaiting;
}

TunnelDirection::State TunnelDirection::pass_end(io::Stream& to) {
  to.shutdown();
  ended_ = true;
  return State::kEnded;
}

}  // namespace headgate::proxy
