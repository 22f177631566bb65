#include "base/check.h"
#include "wire/content_coding/coding.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire::content_coding;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  constexpr Coding kOffered[] = {Coding::kBrotli, Coding::kGzip};
  const auto coding = choose(text, kOffered);
  HG_CHECK(coding != Coding::kZstd, "only what is offered");
  (void)compressible(text);
  return 0;
}
