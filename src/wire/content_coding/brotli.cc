#include <brotli/encode.h>

#include "wire/content_coding/counted_memory.h"
#include "wire/content_coding/streams.h"

namespace headgate::wire::content_coding {
namespace {

BrotliEncoderOperation operation_of(Stream::Step step) {
  switch (step) {
    case Stream::Step::kMore: return BROTLI_OPERATION_PROCESS;
    case Stream::Step::kFlush: return BROTLI_OPERATION_FLUSH;
    case Stream::Step::kFinish: return BROTLI_OPERATION_FINISH;
  }
  return BROTLI_OPERATION_FINISH;
}

class Brotli final : public Stream {
 public:
  explicit Brotli(int level) : level_(level) {}
  ~Brotli() override { BrotliEncoderDestroyInstance(state_); }

  bool step(std::string_view in, Step step, std::string& out) override {
    if (!state_) return false;
    auto next_in = reinterpret_cast<const std::uint8_t*>(in.data());
    std::size_t left = in.size(), no_room = 0;
    do {
      if (BrotliEncoderCompressStream(state_, operation_of(step), &left, &next_in, &no_room,
                                      nullptr, nullptr) == 0)
        return false;
      std::size_t ready = 0;
      const std::uint8_t* bytes = BrotliEncoderTakeOutput(state_, &ready);
      out.append(reinterpret_cast<const char*>(bytes), ready);
    } while (left > 0 || BrotliEncoderHasMoreOutput(state_) != 0);
    return step != Step::kFinish || BrotliEncoderIsFinished(state_) != 0;
  }

  // The library has no reset: a new instance takes the place of the old one.
  bool reset() override {
    BrotliEncoderDestroyInstance(state_);
    state_ = BrotliEncoderCreateInstance(
        [](void* memory, std::size_t size) {
          return static_cast<CountedMemory*>(memory)->take(size);
        },
        [](void* memory, void* at) { static_cast<CountedMemory*>(memory)->give(at); }, &memory_);
    return state_ &&
           BrotliEncoderSetParameter(state_, BROTLI_PARAM_QUALITY,
                                     static_cast<std::uint32_t>(level_)) != 0 &&
           BrotliEncoderSetParameter(state_, BROTLI_PARAM_LGWIN, kWindowBits) != 0;
  }

  std::size_t memory_bytes() const override { return memory_.bytes; }

 private:
  int level_;
  CountedMemory memory_;
  BrotliEncoderState* state_ = nullptr;
};

}  // namespace

std::unique_ptr<Stream> make_brotli(int level) {
  auto stream = std::make_unique<Brotli>(level);
  if (!stream->reset()) return nullptr;
  return stream;
}

}  // namespace headgate::wire::content_coding
