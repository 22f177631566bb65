// Any bytes as a response to GET, HEAD or CONNECT (the first byte chooses): what is accepted keeps
// its promises.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/http/text.h"
#include "wire/http1/head.h"

namespace {

using namespace headgate::wire;
using Kind = http::Framing::Kind;

void check_accepted(const http::ResponseHead& out) {
  HG_CHECK(out.status >= 100 && out.status <= 599, "status is in range");
  HG_CHECK(http::is_field_value(out.reason), "reason holds no controls");
  HG_CHECK(out.framing.kind != Kind::kUntilClose || !out.keep_alive, "until close means close");
  HG_CHECK(!http::has_no_body(out.status) || out.framing.kind == Kind::kNone, "no content follows");
  for (const http::Field& field : out.fields)
    HG_CHECK(http::is_token(field.name) && http::is_field_value(field.value),
             "field is well formed");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  constexpr http::Method kMethods[] = {http::Method::kGet, http::Method::kHead,
                                       http::Method::kConnect};
  const http::Method method = kMethods[data[0] % 3];
  const std::string head(reinterpret_cast<const char*>(data) + 1, size - 1);
  http::ResponseHead out;
  const auto parsed = http1::parse_response_head(head, method, {}, out);
  if (parsed) {
    check_accepted(out);
    if (method == http::Method::kHead)
      HG_CHECK(out.framing.kind == Kind::kNone, "HEAD brings no content");
  } else {
    HG_CHECK(parsed.error().status == 502, "a bad response is a bad gateway");
  }
  return 0;
}
