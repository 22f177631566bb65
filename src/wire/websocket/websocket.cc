#include "wire/websocket/websocket.h"

#include <openssl/sha.h>

#include <algorithm>

#include "base/check.h"
#include "wire/base64/base64.h"

namespace headgate::wire::websocket {
namespace {

constexpr std::string_view kGuid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
constexpr std::uint8_t kFinal = 0x80, kMasked = 0x80, kOpcodeBits = 0x0f, kClose = 0x08;

// Bytes of the character that begins at `at`, or 0 when it is not well-formed UTF-8 (RFC 3629).
std::size_t character_bytes(std::string_view text, std::size_t at) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const unsigned lead = byte(at);
  if (lead < 0x80) return 1;
  const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4) return 0;
  for (std::size_t i = 1; i < size; ++i)
    if ((byte(at + i) & 0xc0) != 0x80) return 0;
  const unsigned second = byte(at + 1);
  const bool overlong = (lead == 0xe0 && second < 0xa0) || (lead == 0xf0 && second < 0x90);
  const bool outside = (lead == 0xed && second > 0x9f) || (lead == 0xf4 && second > 0x8f);
  return overlong || outside ? 0 : size;
}

std::string_view sendable_reason(std::string_view reason) {
  std::size_t fits = 0;
  for (std::size_t at = 0; at < reason.size();) {
    const std::size_t size = character_bytes(reason, at);
    if (size == 0) return {};
    at += size;
    if (at <= kReasonBytesMax) fits = at;
  }
  return reason.substr(0, fits);
}

void append_head(std::string& out, std::size_t payload, std::uint8_t masked) {
  out += static_cast<char>(kFinal | kClose);
  out += static_cast<char>(masked | payload);
}

std::string close_payload(std::uint16_t code, std::string_view reason) {
  HG_CHECK(is_sendable_code(code), "close code that may not be sent");
  std::string payload{static_cast<char>(code >> 8), static_cast<char>(code)};
  payload += sendable_reason(reason);
  return payload;
}

// Bytes of a frame head whose first two bytes are known.
std::size_t head_size(std::uint8_t second) {
  const std::uint8_t length = second & 0x7f;
  const std::size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
  return 2 + extended + ((second & kMasked) != 0 ? 4 : 0);
}

}  // namespace

bool is_valid_key(std::string_view key) {
  if (key.size() != 24) return false;
  const auto bytes = base64::decode(key);
  return bytes && bytes->size() == 16;
}

std::string accept_of(std::string_view key) {
  std::string text(key);
  text += kGuid;
  unsigned char digest[SHA_DIGEST_LENGTH];
  SHA1(reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest);
  return base64::encode({reinterpret_cast<const char*>(digest), sizeof digest});
}

bool is_sendable_code(std::uint16_t code) {
  return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
         (code >= 3000 && code <= 4999);
}

void append_close_to_client(std::string& out, std::uint16_t code, std::string_view reason) {
  const std::string payload = close_payload(code, reason);
  append_head(out, payload.size(), 0);
  out += payload;
}

void append_close_to_server(std::string& out, std::uint16_t code, std::string_view reason,
                            const MaskKey& key) {
  const std::string payload = close_payload(code, reason);
  append_head(out, payload.size(), kMasked);
  for (const std::uint8_t byte : key) out += static_cast<char>(byte);
  for (std::size_t i = 0; i < payload.size(); ++i)
    out += static_cast<char>(payload[i] ^ key[i % 4]);
}

std::size_t FrameWalk::advance(std::string_view in) {
  std::size_t last = kNone;
  for (std::size_t at = 0; at < in.size() && !failed_;) {
    if (payload_left_ == 0) {
      take_head_byte(static_cast<std::uint8_t>(in[at++]));
    } else {
      const std::size_t skipped = std::min<std::uint64_t>(payload_left_, in.size() - at);
      payload_left_ -= skipped;
      at += skipped;
    }
    if (at_boundary()) last = at;
  }
  return last;
}

void FrameWalk::take_head_byte(std::uint8_t byte) {
  head_[head_bytes_++] = byte;
  if (head_bytes_ >= 2 && head_bytes_ == head_size(head_[1])) end_head();
}

void FrameWalk::end_head() {
  const std::uint8_t length = head_[1] & 0x7f;
  const std::size_t extended = length == 127 ? 8 : length == 126 ? 2 : 0;
  payload_left_ = extended == 0 ? length : 0;
  for (std::size_t i = 0; i < extended; ++i) payload_left_ = payload_left_ << 8 | head_[2 + i];
  failed_ = payload_left_ >> 63 != 0;
  close_seen_ = close_seen_ || (head_[0] & kOpcodeBits) == kClose;
  head_bytes_ = 0;
}

}  // namespace headgate::wire::websocket
