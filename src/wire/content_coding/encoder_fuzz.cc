#include <algorithm>

#include "wire/content_coding/decode_for_test.h"
#include "wire/content_coding/encoder.h"

// First byte: the coding. Then pieces: one byte of length and flush, the bytes.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire::content_coding;
  if (size == 0) return 0;
  static auto encoders = [] {
    return std::array{Encoder::make(Coding::kGzip), Encoder::make(Coding::kBrotli),
                      Encoder::make(Coding::kZstd)};
  }();
  Encoder& encoder = *encoders[data[0] % 3];
  HG_CHECK(encoder.reset().has_value(), "reset");
  TestDecoder decoder(encoder.coding());
  std::string text, out;
  std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  while (!encoder.ended()) {
    const unsigned head = rest.empty() ? 0 : static_cast<unsigned char>(rest[0]);
    if (!rest.empty()) rest.remove_prefix(1);
    const std::string_view piece = rest.substr(0, head >> 1);
    rest.remove_prefix(piece.size());
    text += piece;
    out.clear();
    const Flush flush = (head & 1) != 0 ? Flush::kBlock : Flush::kNone;
    HG_CHECK(encoder.append(piece, rest.empty(), flush, out).has_value(), "append");
    decoder.feed(out);
    if (flush == Flush::kBlock) HG_CHECK(decoder.text == text, "a flush shows everything");
  }
  HG_CHECK(decoder.ended && decoder.text == text, "round trip");
  return 0;
}
