#pragma once
// The little of WebSocket (RFC 6455) that a relay needs: the handshake's key and accept value, and
// on drain a Close frame at a place where a frame may begin. Messages pass through unread. Pure,
// except that SHA-1 is libcrypto's.
#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::wire::websocket {

inline constexpr std::size_t kReasonBytesMax =
    123;  // a control frame's payload is at most 125, two of them the code

// §4.2.1: base64 of exactly 16 bytes.
bool is_valid_key(std::string_view key);
// §4.2.2: the Sec-WebSocket-Accept that answers `key`.
std::string accept_of(std::string_view key);

inline constexpr std::uint16_t kGoingAway = 1001, kInternalError = 1011, kServiceRestart = 1012,
                               kTryAgainLater = 1013;
// Codes that may stand in a frame (§7.4 and IANA): not 1004-1006, 1015, nor what nobody assigned.
bool is_sendable_code(std::uint16_t code);

// To a client: unmasked. To a server: masked with random bytes. The code must be sendable; a reason
// that is no UTF-8 is left out, a long one is cut at a character.
using MaskKey = std::array<std::uint8_t, 4>;
void append_close_to_client(std::string& out, std::uint16_t code, std::string_view reason);
void append_close_to_server(std::string& out, std::uint16_t code, std::string_view reason,
                            const MaskKey& key);

// Follows frames of one direction to know where one ends: a Close of ours may be written only
// there.
class FrameWalk {
 public:
  static constexpr std::size_t kNone = static_cast<std::size_t>(-1);
  // Bytes of `in` up to the last frame boundary inside of it or at its end; kNone when there is
  // none.
  std::size_t advance(std::string_view in);
  bool at_boundary() const { return !failed_ && payload_left_ == 0 && head_bytes_ == 0; }
  // A length that no RFC 6455 peer sends (most significant bit set); boundaries are unknown from
  // here on.
  bool failed() const { return failed_; }
  // A Close frame has begun in this direction: nothing may follow it.
  bool close_seen() const { return close_seen_; }

 private:
  void take_head_byte(std::uint8_t byte);
  void end_head();
  std::array<std::uint8_t, 14> head_{};
  std::size_t head_bytes_ = 0;
  std::uint64_t payload_left_ = 0;
  bool failed_ = false;
  bool close_seen_ = false;
};

}  // namespace headgate::wire::websocket
