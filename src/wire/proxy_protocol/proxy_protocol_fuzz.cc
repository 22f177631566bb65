#include "base/check.h"
#include "wire/proxy_protocol/proxy_protocol.h"

// The answer never changes when more bytes come, and a proper start of a header needs more.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire::proxy_protocol;
  const std::string_view in(reinterpret_cast<const char*>(data), size);
  const Parsed whole = parse(in);
  HG_CHECK(whole.state != State::kNeedMore || size < kHeaderBytesMax, "the header is bounded");
  for (std::size_t n = 0; n < size && n < 300; ++n) {
    const Parsed part = parse(in.substr(0, n));
    if (part.state == State::kNeedMore) continue;
    HG_CHECK(part.state == whole.state && part.bytes == whole.bytes, "an answer is final");
    HG_CHECK(part.bytes <= n, "consumes only what is there");
    break;
  }
  if (whole.state == State::kHeader && whole.header.kind == Header::Kind::kIp) {
    std::string out;
    append_v2(out, whole.header.source, whole.header.destination, whole.header.transport);
    HG_CHECK(parse(out).header.source == whole.header.source, "round trip");
  }
  return 0;
}
