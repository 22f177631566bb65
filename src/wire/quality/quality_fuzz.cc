#include "base/check.h"
#include "wire/quality/quality.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire::quality;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  List list(text);
  std::size_t elements = 0;
  while (const auto element = list.next()) {
    HG_CHECK(!element->value.empty() && element->weight <= 1000, "element");
    HG_CHECK(element->value.data() >= text.data(), "value inside the text");
    HG_CHECK(++elements <= kElementsMax, "bounded");
  }
  return 0;
}
