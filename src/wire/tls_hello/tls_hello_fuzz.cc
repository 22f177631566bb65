#include "base/check.h"
#include "wire/tls_hello/client_hello.h"

// An answer never changes when more bytes come.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire::tls_hello;
  const std::string_view stream(reinterpret_cast<const char*>(data), size);
  const Parsed whole = parse(stream);
  HG_CHECK(whole.state != State::kNeedMore || size < kBytesMax, "bounded");
  HG_CHECK(whole.hello.server_name.empty() || is_dns_name(whole.hello.server_name), "a DNS name");
  const std::size_t step = 1 + size / 64;
  for (std::size_t n = 0; n < size; n += step) {
    const Parsed part = parse(stream.substr(0, n));
    if (part.state == State::kNeedMore) continue;
    HG_CHECK(part.state == whole.state && part.hello.server_name == whole.hello.server_name,
             "an answer is final");
    break;
  }
  return 0;
}
