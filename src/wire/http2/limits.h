#pragma once
// Every limit of an HTTP/2 session, with the answer that meets whoever crosses it. Values are per
// connection.
#include <cstddef>
#include <cstdint>

#include "base/time.h"

namespace headgate::wire::http2 {

inline constexpr std::size_t kFrameBytesMax = 16384;          // SETTINGS_MAX_FRAME_SIZE, both ways
inline constexpr std::uint32_t kWindowBytesMax = 0x7fffffff;  // RFC 9113 §6.9.1
// One send_body call carries at most this; more is a bug of the caller.
inline constexpr std::size_t kBodyCallBytesMax = 1 << 20;

// What a peer may make us do for nothing, counted per window of time. One more than the budget ends
// the connection with GOAWAY(ENHANCE_YOUR_CALM) and StreamEvents::on_flood. Frames that a peer owes
// us for our own DATA are not charged.
struct FloodBudgets {
  Duration window = 10s;
  std::uint32_t resets =
      200;  // RST_STREAM received, and sent because of the peer (CVE-2023-44487, CVE-2025-8671)
  std::uint32_t settings = 32;  // CVE-2019-9515
  std::uint32_t pings = 200;  // CVE-2019-9512; one more for each DATA frame sent (bandwidth probes)
  std::uint32_t empty_data = 100;  // DATA without content and without END_STREAM: CVE-2019-9518
  std::uint32_t priority = 500;    // PRIORITY and PRIORITY_UPDATE: CVE-2019-9513
  std::uint32_t window_updates = 2000;  // two more for each DATA frame sent
  std::uint32_t dribbles = 1000;  // DATA frames of < 64 bytes forced by tiny windows: CVE-2019-9511
  std::uint32_t other = 100;      // extension frames, GOAWAY
  std::uint32_t refused = 100;    // requests above the concurrency limit: refused, then flood
};

struct Limits {
  std::uint32_t concurrent_streams_max =
      100;  // server: REFUSED_STREAM; client: also never open more than this
  std::uint32_t header_table_bytes = 4096;  // HPACK dynamic table, each direction
  std::uint32_t header_bytes_max =
      64 * 1024;  // decoded, name + value + 32 each: 431 (server), reset (client)
  std::uint32_t header_fields_max =
      200;  // same answer; one name or value > 65,535 bytes ends the connection
  std::uint32_t header_kill_bytes =
      256 * 1024;  // decoded or still compressed, per head: the connection ends
  std::uint32_t continuations_max = 8;  // per head: the connection ends (CVE-2024-27316)
  std::uint32_t interim_max = 16;       // client: 1xx responses to one request, then reset
  std::uint32_t stream_window_bytes = 64 * 1024;  // body bytes of a stream that nobody consumed yet
  std::uint32_t connection_window_bytes = 1024 * 1024;  // body bytes in flight on all streams
  // Unconsumed body bytes of all streams below which the connection window is refilled at once, so
  // that a slow reader holds up its own stream alone; above, it is refilled as readers consume.
  std::uint32_t held_bytes_max = 4 * 1024 * 1024;
  std::uint32_t send_buffer_high_bytes = 64 * 1024;  // send_body says: stop
  std::uint32_t send_buffer_low_bytes = 16 * 1024;   // on_writable says: go on
  std::uint32_t acks_queued_max = 256;  // PING and SETTINGS acks not yet sent: the connection ends
  FloodBudgets floods;
};

constexpr bool is_consistent(const Limits& l) {
  return l.concurrent_streams_max >= 1 && l.header_bytes_max >= 1024 &&
         l.header_kill_bytes > l.header_bytes_max && l.header_fields_max >= 8 &&
         l.continuations_max >= 1 && l.stream_window_bytes >= kFrameBytesMax &&
         l.connection_window_bytes >= 4 * l.stream_window_bytes &&
         l.held_bytes_max >= l.connection_window_bytes &&
         l.connection_window_bytes <= kWindowBytesMax &&
         l.send_buffer_high_bytes >= 2 * l.send_buffer_low_bytes &&
         l.send_buffer_high_bytes <= kBodyCallBytesMax && l.floods.window > Duration::zero() &&
         l.acks_queued_max >= l.floods.pings;
}
static_assert(is_consistent(Limits{}));
// A head of the largest accepted size fits into HEADERS and the CONTINUATIONs that are allowed.
static_assert((1 + Limits{}.continuations_max) * kFrameBytesMax >= Limits{}.header_bytes_max);

}  // namespace headgate::wire::http2
