// Any bytes as Cache-Control lines: views stay inside of the text, values within their limits, and
// no second line ever makes a response freer than the first line with a restriction.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/http/cache_control.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate;
  using namespace headgate::wire::http;
  const std::string text(reinterpret_cast<const char*>(data), size);
  Directives directives(text);
  for (Directive d; directives.next(d);) {
    HG_CHECK(!d.name.empty() && d.name.data() >= text.data(), "a directive has a name");
    if (d.argument && !d.argument->empty())
      HG_CHECK(d.argument->data() + d.argument->size() <= text.data() + size, "a view into it");
  }
  const CacheControl one = parse_cache_control({{"", text, FieldId::kCacheControl}});
  HG_CHECK(one.max_age.seconds <= kDeltaSecondsMax, "delta-seconds have an end");
  const CacheControl two =
      parse_cache_control({{"", "no-store, private, no-cache", FieldId::kCacheControl},
                           {"", text, FieldId::kCacheControl}});
  HG_CHECK(two.no_store && two.is_private.is_whole() && two.no_cache.is_whole(), "stays closed");
  HG_CHECK(!one.no_cache.is_whole() || !one.no_cache.names("a"), "the whole names nothing");
  return 0;
}
