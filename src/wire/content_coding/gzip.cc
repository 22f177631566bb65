#include <zlib.h>

#include "wire/content_coding/counted_memory.h"
#include "wire/content_coding/streams.h"

namespace headgate::wire::content_coding {
namespace {

constexpr std::size_t kOutBytes = 16 * 1024;
constexpr int kGzipWindowBits = 15 + 16;  // 16 asks for the gzip wrapper
constexpr int kMemoryLevel = 8;           // window 128 KiB + tables 128 KiB

int flush_of(Stream::Step step) {
  switch (step) {
    case Stream::Step::kMore: return Z_NO_FLUSH;
    case Stream::Step::kFlush: return Z_SYNC_FLUSH;
    case Stream::Step::kFinish: return Z_FINISH;
  }
  return Z_FINISH;
}

class Gzip final : public Stream {
 public:
  Gzip() {
    z_.zalloc = [](void* memory, unsigned items, unsigned size) {
      return static_cast<CountedMemory*>(memory)->take(static_cast<std::size_t>(items) * size);
    };
    z_.zfree = [](void* memory, void* at) { static_cast<CountedMemory*>(memory)->give(at); };
    z_.opaque = &memory_;
  }
  ~Gzip() override { deflateEnd(&z_); }

  bool begin(int level) {
    return deflateInit2(&z_, level, Z_DEFLATED, kGzipWindowBits, kMemoryLevel,
                        Z_DEFAULT_STRATEGY) == Z_OK;
  }

  bool step(std::string_view in, Step step, std::string& out) override {
    z_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    z_.avail_in = static_cast<uInt>(in.size());
    do {
      unsigned char piece[kOutBytes];
      z_.next_out = piece;
      z_.avail_out = sizeof piece;
      const int code = deflate(&z_, flush_of(step));
      out.append(reinterpret_cast<const char*>(piece), sizeof piece - z_.avail_out);
      // Z_BUF_ERROR: nothing was left to do, as after two flushes in a row.
      if (code != Z_OK && code != Z_BUF_ERROR && code != Z_STREAM_END) return false;
    } while (z_.avail_out == 0);
    return z_.avail_in == 0;
  }

  bool reset() override { return deflateReset(&z_) == Z_OK; }
  std::size_t memory_bytes() const override { return memory_.bytes; }

 private:
  CountedMemory memory_;
  z_stream z_{};
};

}  // namespace

std::unique_ptr<Stream> make_gzip(int level) {
  auto stream = std::make_unique<Gzip>();
  if (!stream->begin(level)) return nullptr;
  return stream;
}

}  // namespace headgate::wire::content_coding
