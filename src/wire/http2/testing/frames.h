#pragma once
// For tests alone: writes HTTP/2 frames by hand, as hostile peers do, with a real HPACK encoder.
#include <nghttp2/nghttp2.h>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "wire/http2/error_code.h"

namespace headgate::wire::http2::testing {

inline constexpr std::string_view kPreface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
enum FrameType : unsigned char {
  kData,
  kHeaders,
  kPriority,
  kRstStream,
  kSettings,
  kPushPromise,
  kPing,
  kGoaway,
  kWindowUpdate,
  kContinuation
};
enum FrameFlag : unsigned char { kEndStream = 1, kAck = 1, kEndHeaders = 4, kPadded = 8 };
using Pairs = std::vector<std::pair<std::string, std::string>>;

inline std::string big_endian(std::uint64_t value, int bytes) {
  std::string out;
  for (int i = bytes - 1; i >= 0; --i) out += static_cast<char>(value >> (8 * i));
  return out;
}

inline std::string frame(unsigned char type, unsigned char flags, StreamId stream,
                         std::string_view payload) {
  std::string out = big_endian(payload.size(), 3);
  out += static_cast<char>(type);
  out += static_cast<char>(flags);
  out += big_endian(static_cast<std::uint64_t>(stream), 4);
  return out.append(payload);
}
inline std::string settings() { return frame(kSettings, 0, 0, ""); }
inline std::string setting(int id, std::uint32_t value) {
  return frame(kSettings, 0, 0,
               big_endian(static_cast<std::uint64_t>(id), 2) + big_endian(value, 4));
}
inline std::string reset(StreamId stream, ErrorCode code) {
  return frame(kRstStream, 0, stream, big_endian(static_cast<std::uint64_t>(code), 4));
}
inline std::string window_update(StreamId stream, std::uint32_t bytes) {
  return frame(kWindowUpdate, 0, stream, big_endian(bytes, 4));
}
inline std::string goaway(StreamId last, ErrorCode code) {
  return frame(kGoaway, 0, 0,
               big_endian(static_cast<std::uint64_t>(last), 4) +
                   big_endian(static_cast<std::uint64_t>(code), 4));
}

class Hpack {
 public:
  Hpack() { nghttp2_hd_deflate_new(&deflater_, 4096); }
  ~Hpack() { nghttp2_hd_deflate_del(deflater_); }
  Hpack(const Hpack&) = delete;
  Hpack& operator=(const Hpack&) = delete;

  std::string block(const Pairs& pairs) {
    std::vector<nghttp2_nv> nv;
    for (const auto& [name, value] : pairs)
      nv.push_back({bytes(name), bytes(value), name.size(), value.size(), 0});
    std::string out(nghttp2_hd_deflate_bound(deflater_, nv.data(), nv.size()), '\0');
    const auto n = nghttp2_hd_deflate_hd(deflater_, bytes(out), out.size(), nv.data(), nv.size());
    out.resize(static_cast<std::size_t>(n));
    return out;
  }
  std::string headers(StreamId stream, const Pairs& pairs, bool end_stream) {
    return frame(kHeaders, static_cast<unsigned char>(kEndHeaders | (end_stream ? kEndStream : 0)),
                 stream, block(pairs));
  }

 private:
  static std::uint8_t* bytes(const std::string& s) {
    return reinterpret_cast<std::uint8_t*>(const_cast<char*>(s.data()));
  }
  nghttp2_hd_deflater* deflater_ = nullptr;
};

inline Pairs get_request() {
  return {{":method", "GET"}, {":scheme", "https"}, {":authority", "shop.example"}, {":path", "/"}};
}

struct Frame {
  unsigned char type, flags;
  StreamId stream;
  std::string payload;
};
// Cuts whole frames out of what a session wrote; a client's preface is skipped.
inline std::vector<Frame> split(std::string_view bytes) {
  std::vector<Frame> frames;
  if (bytes.starts_with(kPreface)) bytes.remove_prefix(kPreface.size());
  const auto at = [&](std::size_t i) {
    return static_cast<unsigned>(static_cast<unsigned char>(bytes[i]));
  };
  while (bytes.size() >= 9) {
    const std::size_t size = at(0) << 16 | at(1) << 8 | at(2);
    const unsigned id = (at(5) & 0x7f) << 24 | at(6) << 16 | at(7) << 8 | at(8);
    frames.push_back({static_cast<unsigned char>(at(3)), static_cast<unsigned char>(at(4)),
                      static_cast<StreamId>(id), std::string(bytes.substr(9, size))});
    bytes.remove_prefix(std::min(bytes.size(), 9 + size));
  }
  return frames;
}
inline std::uint32_t number_at(std::string_view payload, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = at; i < at + 4 && i < payload.size(); ++i)
    value = value << 8 | static_cast<unsigned char>(payload[i]);
  return value;
}

}  // namespace headgate::wire::http2::testing
