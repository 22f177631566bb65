// Clients that read slower than they may. A stream waits for its own window, for that of the
// connection, or for TCP; only the first is the stream's fault alone.
#include <algorithm>

#include "roles/proxy/exchange.h"
#include "roles/proxy/session_h2.h"

namespace headgate::proxy {

namespace http2 = wire::http2;

std::uint64_t SessionH2::taken_bytes(StreamId id) const {
  const std::uint64_t sent = wire_.sent_bytes(id);
  return wire_.is_shut(id) ? sent : sent + io::acknowledged_bytes(stream_.fd());
}

// Once a period while streams are open.
void SessionH2::look_at_readers() {
  if (phase_ != Phase::kOpen || over_) return;
  if (wire_.open_streams() == 0 && !out_.blocked()) {
    waiting_ = {};
    return;
  }
  const Duration period = settings().response_grace;
  const std::uint64_t least = bytes_in(period, settings().response_bytes_per_second_min);
  worker_.loop.arm(reader_timer_, period);
  if (reading_.is_below(least, io::acknowledged_bytes(stream_.fd()), out_.blocked()))
    return cut_slow_connection();
  cut_slow_streams(least);
}

// Those that the client gives no window to hold that of the connection, too: while there are such,
// the others are spared. Without them a connection that stands still is the fault of all.
void SessionH2::cut_slow_streams(std::uint64_t least) {
  const bool stands_still =
      reading_bodies_.is_below(least, wire_.stats().body_bytes_sent, !out_.blocked());
  const auto before = std::exchange(waiting_, wire_.waiting_streams());
  std::vector<StreamId> shut, held_up;
  for (const http2::WaitingStream& now : waiting_) {
    const auto then = std::lower_bound(before.begin(), before.end(), now.id,
                                       [](const auto& w, StreamId id) { return w.id < id; });
    if (then == before.end() || then->id != now.id || now.sent - then->sent >= least) continue;
    (now.shut ? shut : held_up).push_back(now.id);
  }
  if (shut.empty() && stands_still) shut.swap(held_up);
  for (const StreamId id : shut) cut_slow_stream(id);
}

void SessionH2::cut_slow_stream(StreamId id) {
  wake();
  if (const StreamH2* stream = streams_.find(id))
    return stream->exchange()->on_client_reads_too_slowly();
  worker_.stats.timeouts_response.add();  // the rest of an answer
  wire_.reset(id, http2::ErrorCode::kCancel);
}

void SessionH2::cut_slow_connection() {
  if (streams_.count() == 0) worker_.stats.timeouts_response.add();
  for (std::size_t i = 0; i < streams_.size(); ++i)
    if (Exchange* exchange = streams_[i].exchange()) exchange->on_client_reads_too_slowly();
  io::set_reset_on_close(stream_.fd());
  close();
}

}  // namespace headgate::proxy
