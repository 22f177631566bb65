#include "base/check.h"
#include "wire/traceparent/traceparent.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire::traceparent;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto trace = parse(text)) HG_CHECK(parse(to_string(*trace)) == trace, "round trip");
  if (is_valid_tracestate(text))
    HG_CHECK(text.find_first_of("\r\n\0") == std::string_view::npos, "one line");
  return 0;
}
