// Any bytes as a request: found in one shot and byte by byte alike, and what is accepted keeps its
// promises.
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "wire/http/authority.h"
#include "wire/http/text.h"
#include "wire/http1/head.h"

namespace {

using namespace headgate::wire;

void check_views(std::string_view head, std::string_view view) {
  HG_CHECK(view.data() >= head.data() && view.data() + view.size() <= head.data() + head.size(),
           "a view leaves the head");
}

void check_accepted(std::string_view head, const http::RequestHead& out) {
  HG_CHECK(http::is_token(out.method_text), "method is a token");
  HG_CHECK(out.authority.empty() || http::parse_authority(out.authority), "authority is valid");
  HG_CHECK(out.version == http::Version::k10 || !out.authority.empty(),
           "HTTP/1.1 has an authority");
  for (const http::Field& field : out.fields) {
    check_views(head, field.name);
    check_views(head, field.value);
    HG_CHECK(http::is_token(field.name) && http::is_field_value(field.value),
             "field is well formed");
    HG_CHECK(field.id == http::field_id(field.name), "id belongs to the name");
    HG_CHECK(field.id != http::FieldId::kHost && field.id != http::FieldId::kContentLength &&
                 field.id != http::FieldId::kTransferEncoding,
             "framing is out of the fields");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const http1::HeadLimits limits{.head_bytes_max = 1024, .target_bytes_max = 256, .fields_max = 16};
  std::size_t scanned = 0;
  const auto whole = http1::find_head_end(text, scanned, limits);
  scanned = 0;
  auto steps = http1::find_head_end(text.substr(0, 0), scanned, limits);
  for (std::size_t n = 1; n <= size && steps && !*steps; ++n)
    steps = http1::find_head_end(text.substr(0, n), scanned, limits);
  HG_CHECK(whole.has_value() == steps.has_value() && (!whole || *whole == *steps),
           "splitting changes nothing");
  if (!whole || !*whole) return 0;
  const std::string head(text.substr(0, **whole));
  http::RequestHead out;
  if (http1::parse_request_head(head, limits, out)) check_accepted(head, out);
  return 0;
}
