#include <zstd.h>

#include "wire/content_coding/streams.h"

namespace headgate::wire::content_coding {
namespace {

constexpr std::size_t kOutBytes = 16 * 1024;

ZSTD_EndDirective directive_of(Stream::Step step) {
  switch (step) {
    case Stream::Step::kMore: return ZSTD_e_continue;
    case Stream::Step::kFlush: return ZSTD_e_flush;
    case Stream::Step::kFinish: return ZSTD_e_end;
  }
  return ZSTD_e_end;
}

class Zstd final : public Stream {
 public:
  Zstd() : context_(ZSTD_createCCtx()) {}
  ~Zstd() override { ZSTD_freeCCtx(context_); }

  bool begin(int level) {
    return context_ && set(ZSTD_c_compressionLevel, level) && set(ZSTD_c_windowLog, kWindowBits);
  }

  bool step(std::string_view in, Step step, std::string& out) override {
    ZSTD_inBuffer input{in.data(), in.size(), 0};
    std::size_t left = 0;
    do {
      char piece[kOutBytes];
      ZSTD_outBuffer output{piece, sizeof piece, 0};
      left = ZSTD_compressStream2(context_, &output, &input, directive_of(step));
      if (ZSTD_isError(left) != 0) return false;
      out.append(piece, output.pos);
    } while (step == Step::kMore ? input.pos < input.size : left > 0);
    return true;
  }

  bool reset() override {
    return ZSTD_isError(ZSTD_CCtx_reset(context_, ZSTD_reset_session_only)) == 0;
  }
  std::size_t memory_bytes() const override { return ZSTD_sizeof_CCtx(context_); }

 private:
  bool set(ZSTD_cParameter parameter, int value) {
    return ZSTD_isError(ZSTD_CCtx_setParameter(context_, parameter, value)) == 0;
  }
  ZSTD_CCtx* context_;
};

}  // namespace

std::unique_ptr<Stream> make_zstd(int level) {
  auto stream = std::make_unique<Zstd>();
  if (!stream->begin(level)) return nullptr;
  return stream;
}

}  // namespace headgate::wire::content_coding
