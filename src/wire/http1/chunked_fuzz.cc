// Any bytes as a chunked body, whole and in pieces whose size the first byte gives: both must come
// to the same end.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/http1/chunked.h"

namespace {

using headgate::wire::http1::ChunkedDecoder;
using Event = ChunkedDecoder::Event;

struct Decoded {
  Event end = Event::kNeedMore;
  std::string data;
  std::size_t used = 0;
  std::size_t trailers = 0;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

Decoded decode(std::string_view text, std::size_t piece_bytes) {
  ChunkedDecoder decoder;
  Decoded out;
  while (out.end == Event::kNeedMore && out.used < text.size()) {
    const std::string piece(text.substr(out.used, piece_bytes));
    std::string_view input = piece;
    ChunkedDecoder::Step step{};
    while ((step = decoder.next(input)).event == Event::kData) out.data += step.data;
    out.end = step.event;
    out.used += piece.size() - input.size();
  }
  out.trailers = decoder.trailers().size();
  if (out.end == Event::kError) out.used = 0;  // where an error is noticed may differ
  return out;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const std::size_t piece_bytes = std::max<std::size_t>(1, data[0] % 32);
  HG_CHECK(decode(text, text.size()) == decode(text, piece_bytes), "splitting changes nothing");
  return 0;
}
