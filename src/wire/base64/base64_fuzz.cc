#include <cstdint>

#include "base/check.h"
#include "wire/base64/base64.h"

// Whatever decodes is the one text of its value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire::base64;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto bytes = decode(text)) HG_CHECK(encode(*bytes) == text, "canonical");
  if (const auto bytes = decode_url(text)) HG_CHECK(encode_url(*bytes) == text, "canonical");
  return 0;
}
