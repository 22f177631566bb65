#include "wire/content_coding/encoder.h"

#include <fmt/format.h>

#include "base/check.h"
#include "wire/content_coding/streams.h"

namespace headgate::wire::content_coding {
namespace {

constexpr std::size_t kPieceBytes = 1 << 20;  // zlib counts in 32 bits

std::unique_ptr<Stream> make_stream(Coding coding, int level) {
  switch (coding) {
    case Coding::kIdentity: return nullptr;
    case Coding::kGzip: return make_gzip(level);
    case Coding::kBrotli: return make_brotli(level);
    case Coding::kZstd: return make_zstd(level);
  }
  return nullptr;
}

}  // namespace

Levels levels_of(Coding coding) {
  switch (coding) {
    case Coding::kIdentity: return {0, 0, 0};
    case Coding::kGzip: return {1, 9, 5};
    case Coding::kBrotli: return {0, 9, 4};
    case Coding::kZstd: return {1, 9, 3};
  }
  return {0, 0, 0};
}

Result<Encoder> Encoder::make(Coding coding, int level) {
  const Levels levels = levels_of(coding);
  if (coding == Coding::kIdentity) return fail(Code::kInvalid, "identity needs no encoder");
  if (level < levels.low || level > levels.high)
    return fail(Code::kInvalid, fmt::format("{} level {}: expected {} to {}", to_string(coding),
                                            level, levels.low, levels.high));
  auto stream = make_stream(coding, level);
  if (!stream)
    return fail(Code::kExhausted, fmt::format("no memory for a {} encoder", to_string(coding)));
  return Encoder(coding, std::move(stream));
}

Status Encoder::append(std::string_view in, bool end, Flush flush, std::string& out) {
  HG_CHECK(!ended_, "append after the end of a body");
  for (; in.size() > kPieceBytes; in.remove_prefix(kPieceBytes))
    if (!stream_->step(in.substr(0, kPieceBytes), Stream::Step::kMore, out))
      return fail(Code::kExhausted, fmt::format("{} encoder failed", to_string(coding_)));
  const Stream::Step last = flush == Flush::kBlock ? Stream::Step::kFlush : Stream::Step::kMore;
  ended_ = end;
  if (!stream_->step(in, end ? Stream::Step::kFinish : last, out))
    return fail(Code::kExhausted, fmt::format("{} encoder failed", to_string(coding_)));
  return {};
}

Status Encoder::reset() {
  ended_ = false;
  if (stream_->reset()) return {};
  return fail(Code::kExhausted, fmt::format("no memory for a {} encoder", to_string(coding_)));
}

}  // namespace headgate::wire::content_coding
