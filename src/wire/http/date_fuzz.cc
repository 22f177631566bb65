// Any bytes as a date and as an authority; an accepted date is written and read again as itself.
#include <cstdint>
#include <limits>
#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/http/authority.h"
#include "wire/http/date.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate;
  const std::string text(reinterpret_cast<const char*>(data), size);
  const WallTime now{1'800'000'000'000'000'000};
  if (const auto t = wire::http::parse_date(text, now)) {
    std::string written;
    wire::http::append_date(written, *t);
    const auto again = wire::http::parse_date(written, now);
    const bool is_end = t->ns == std::numeric_limits<std::int64_t>::max() ||
                        t->ns == std::numeric_limits<std::int64_t>::min();
    HG_CHECK(again && (is_end || *again == *t), "a date is read as it was written");
  }
  if (const auto authority = wire::http::parse_authority(text))
    HG_CHECK(!authority->host.empty() && authority->port != 0, "host and port are real");
  return 0;
}
