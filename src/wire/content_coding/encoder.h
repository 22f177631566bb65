#pragma once
// A streaming encoder of one response body: gzip (zlib), br (brotli) or zstd. Belongs to one
// worker; reset() makes it ready for the next body, so a worker keeps a few. Memory does not depend
// on the body's size (memory_bytes_max), yet it is large: whoever makes encoders limits how many
// live.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "base/result.h"
#include "wire/content_coding/coding.h"

namespace headgate::wire::content_coding {

// Of brotli and zstd; gzip has 15. Far below the 8 MiB of RFC 9659 §3.
inline constexpr int kWindowBits = 17;

struct Levels {
  int low, high, usual;
};
// gzip 1-9, br 0-9, zstd 1-9: above, memory and time leave what an edge can spend on a response.
Levels levels_of(Coding coding);

// An upper bound for one encoder at the usual level; a test measures it. Brotli holds it only for
// bodies that fill the window.
constexpr std::size_t memory_bytes_max(Coding coding) {
  switch (coding) {
    case Coding::kIdentity: return 0;
    case Coding::kGzip: return 272 << 10;
    case Coding::kBrotli: return 2200 << 10;
    case Coding::kZstd: return 1700 << 10;
  }
  return 0;
}

enum class Flush : std::uint8_t {
  kNone,   // the encoder may hold bytes back to compress better
  kBlock,  // all that was appended can be decoded by the client: for streams of events, at some
           // cost in size
};

// One library's stream. step() takes all of `in` and appends what is ready.
class Stream {
 public:
  enum class Step : std::uint8_t { kMore, kFlush, kFinish };
  virtual ~Stream() = default;
  virtual bool step(std::string_view in, Step step, std::string& out) = 0;
  virtual bool reset() = 0;
  virtual std::size_t memory_bytes() const = 0;
};

class Encoder {
 public:
  // Fails for identity, for a level outside of levels_of, or without memory.
  static Result<Encoder> make(Coding coding, int level);
  static Result<Encoder> make(Coding coding) { return make(coding, levels_of(coding).usual); }

  // Appends encoded bytes to `out`; at most a little more than `in` plus what was held back. `end`
  // completes the body, after which only reset() may follow. A failure (no memory) leaves the
  // encoder unusable until reset(): abort the response.
  Status append(std::string_view in, bool end, Flush flush, std::string& out);
  Status reset();

  Coding coding() const { return coding_; }
  bool ended() const { return ended_; }
  std::size_t memory_bytes() const { return stream_->memory_bytes(); }

 private:
  Encoder(Coding coding, std::unique_ptr<Stream> stream)
      : coding_(coding), stream_(std::move(stream)) {}
  Coding coding_;
  bool ended_ = false;
  std::unique_ptr<Stream> stream_;
};

}  // namespace headgate::wire::content_coding
