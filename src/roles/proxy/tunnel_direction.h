#pragma once
// One direction of a tunnel: reads from one stream, writes to another, holds at most one read in between. While the receiver
// takes nothing, nothing is read, so that the sender is stopped by its own socket. Worker thread.
#include <cstdint>
#include <string_view>

#include "io/outbox.h"
#include "io/stream.h"
#include "roles/proxy/worker_context.h"

namespace headgate::proxy {

class TunnelDirection {
 public:
  explicit TunnelDirection(WorkerContext& worker);
  // Of one read, and so of what is held; never more than the worker's scratch.
  void limit(std::size_t read_bytes_max);

  enum class State : std::uint8_t {
    kWaiting,     // for readiness of either side
    kMore,        // a share of work is done and there is more: come back after the others
    kEnded,       // the sender's end was passed on
    kFromBroken,  // the sender reset the connection, or TLS failed
    kToBroken,    // the receiver is gone
  };
  // Moves what can be moved. Only from readiness or deferred work: it uses the worker's scratch.
  State pump(io::Stream& from, io::Stream& to);

  // `end_coming`: the sender's end is known to stand behind what can be read; a short read does not mean "drained" then.
  void readable(bool end_coming) {
    readable_ = true;
    end_coming_ = end_coming_ || end_coming;
  }
  void queue(std::string_view bytes) { out_.text().append(bytes); }
  std::size_t held_bytes() const { return out_.size(); }
  bool ended() const { return ended_; }
  // Read from the sender so far.
  std::uint64_t bytes() const { return bytes_; }
  void count_queued(std::uint64_t n) { bytes_ += n; }

 private:
  State pass_end(io::Stream& to);

  WorkerContext& worker_;
  std::size_t read_bytes_max_;
  io::Outbox out_;
  std::uint64_t bytes_ = 0;
  bool readable_ = false;
  bool end_coming_ = false;
  bool end_seen_ = false;
  bool ended_ = false;
};

}  // namespace headgate::proxy
