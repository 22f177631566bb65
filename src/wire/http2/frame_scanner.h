#pragma once
// Reads the frame headers of a received byte stream (RFC 9113 §4.1) ahead of the library and
// charges what floods are made of: one place that sees every frame, also those that the library
// ignores. Keeps nine bytes and a few counters, no payload.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "wire/http2/flood.h"
#include "wire/http2/limits.h"

namespace headgate::wire::http2 {

class FrameScanner {
 public:
  // `skip` bytes come before the first frame: the client's preface on a server.
  FrameScanner(const Limits& limits, std::size_t skip) : limits_(limits), skip_(skip) {}

  // The flood that a frame of `bytes` completes, if any.
  std::optional<Flood> scan(std::string_view bytes, FloodGuard& guard, Instant now);
  std::uint64_t resets() const { return resets_; }
  // What has begun and not ended: a header block, or a frame other than DATA, by its number; 0 for
  // nothing. DATA is the body's matter.
  std::uint64_t unfinished() const;

 private:
  std::optional<Flood> judge(FloodGuard& guard, Instant now);
  void note_block(unsigned char type, unsigned char flags);
  std::optional<Flood> grow_head(std::size_t length, bool continued);

  const Limits& limits_;
  std::size_t skip_;
  std::array<unsigned char, 9> header_{};
  std::size_t have_ = 0;
  std::uint64_t resets_ = 0;
  std::uint32_t head_bytes_ = 0;  // compressed, of the head that is coming in
  std::uint32_t continuations_ = 0;
  std::uint64_t frames_ = 0;       // begun
  std::uint64_t block_begun_ = 0;  // the frame that opened the header block that comes in
  bool block_open_ = false;        // END_HEADERS has not come
  bool in_data_ = false;
};

}  // namespace headgate::wire::http2
