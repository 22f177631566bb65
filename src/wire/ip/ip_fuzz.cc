#include "base/check.h"
#include "wire/ip/address.h"

// What parses prints to text that parses to the same value.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire::ip;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  if (const auto a = parse_ip(text)) HG_CHECK(parse_ip(to_string(*a)) == a, "address round trip");
  if (const auto e = parse_endpoint(text))
    HG_CHECK(parse_endpoint(to_string(*e)) == e, "endpoint round trip");
  if (const auto p = parse_prefix(text)) {
    HG_CHECK(contains(*p, p->network), "a prefix holds its network");
    HG_CHECK(parse_prefix(to_string(*p)) == p, "prefix round trip");
  }
  return 0;
}
