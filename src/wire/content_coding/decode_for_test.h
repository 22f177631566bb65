#pragma once
// The libraries' own decoders behind one incremental face, for tests and fuzzing alone.
#include <brotli/decode.h>
#include <zlib.h>
#include <zstd.h>

#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/content_coding/coding.h"

namespace headgate::wire::content_coding {

class TestDecoder {
 public:
  explicit TestDecoder(Coding coding) : coding_(coding) {
    HG_CHECK(inflateInit2(&gzip_, 15 + 16) == Z_OK, "inflateInit2");
  }
  TestDecoder(const TestDecoder&) = delete;
  TestDecoder& operator=(const TestDecoder&) = delete;
  ~TestDecoder() {
    inflateEnd(&gzip_);
    BrotliDecoderDestroyInstance(brotli_);
    ZSTD_freeDCtx(zstd_);
  }

  std::string text;  // decoded so far
  bool ended = false;

  void feed(std::string_view in) {
    HG_CHECK(!ended || in.empty(), "bytes after the end");
    if (in.empty()) return;
    if (coding_ == Coding::kGzip) return feed_gzip(in);
    if (coding_ == Coding::kBrotli) return feed_brotli(in);
    feed_zstd(in);
  }

 private:
  void feed_gzip(std::string_view in) {
    gzip_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(in.data()));
    gzip_.avail_in = static_cast<uInt>(in.size());
    do {
      unsigned char piece[4096];
      gzip_.next_out = piece;
      gzip_.avail_out = sizeof piece;
      const int code = inflate(&gzip_, Z_NO_FLUSH);
      HG_CHECK(code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR, "inflate");
      text.append(reinterpret_cast<const char*>(piece), sizeof piece - gzip_.avail_out);
      ended = code == Z_STREAM_END;
    } while (gzip_.avail_out == 0 && !ended);
    HG_CHECK(gzip_.avail_in == 0, "gzip takes everything");
  }
  void feed_brotli(std::string_view in) {
    auto next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    std::size_t left = in.size(), no_room = 0;
    BrotliDecoderResult code;
    do {
      code = BrotliDecoderDecompressStream(brotli_, &left, &next_in, &no_room, nullptr, nullptr);
      HG_CHECK(code != BROTLI_DECODER_RESULT_ERROR, "brotli");
      std::size_t ready = 0;
      const std::uint8_t* bytes = BrotliDecoderTakeOutput(brotli_, &ready);
      text.append(reinterpret_cast<const char*>(bytes), ready);
    } while (code == BROTLI_DECODER_RESULT_NEEDS_MORE_OUTPUT ||
             BrotliDecoderHasMoreOutput(brotli_) != 0);
    ended = code == BROTLI_DECODER_RESULT_SUCCESS;
    HG_CHECK(left == 0, "brotli takes everything");
  }
  void feed_zstd(std::string_view in) {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    ZSTD_outBuffer output{};
    do {
      char piece[4096];
      output = {piece, sizeof piece, 0};
      const std::size_t code = ZSTD_decompressStream(zstd_, &output, &input);
      HG_CHECK(ZSTD_isError(code) == 0, "zstd");
      text.append(piece, output.pos);
      ended = code == 0;
    } while (!ended && (input.pos < input.size || output.pos == output.size));
    HG_CHECK(input.pos == input.size, "zstd takes everything");
  }

  Coding coding_;
  z_stream gzip_{};
  BrotliDecoderState* brotli_ = BrotliDecoderCreateInstance(nullptr, nullptr, nullptr);
  ZSTD_DCtx* zstd_ = ZSTD_createDCtx();
};

}  // namespace headgate::wire::content_coding
