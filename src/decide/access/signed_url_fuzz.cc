// Any bytes as a query: no crash; what was not signed is refused; what is signed here is accepted,
// and gives the query back when its parameters are taken out.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "decide/access/signed_url.h"

namespace {

using namespace headgate;
using namespace headgate::decide::access;

Reason check(const model::SignedUrls& urls, std::string_view query) {
  return check_signed_url(urls, {wire::http::Method::kGet, "a.example", "/p/q", query,
                                 wire::ip::ipv4(192, 0, 2, 1), WallTime{}});
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string_view query(reinterpret_cast<const char*>(data), size);
  model::SignedUrls urls;
  urls.keys = {{"k", std::string(32, 's')}};
  urls.prefix_allowed = size % 2 == 0;
  HG_CHECK(check(urls, query) != Reason::kNone, "a signature that nobody made");
  const BareQuery bare = without_signature(query, "hg-");
  HG_CHECK(!has_signature(bare.text, "hg-"), "nothing is left of it");
  HG_CHECK(bare.text.size() <= query.size(), "nothing is added");
  UrlToSign url{.host = "a.example",
                .path = "/p/q",
                .query = bare,
                .prefix = {},
                .address = {},
                .expires_s = 1};
  const std::string parameters = sign_url(url, urls.keys[0], "hg-");
  const std::string made = bare.is_there ? bare.text + "&" + parameters : parameters;
  HG_CHECK(check(urls, made) == Reason::kNone, "what was signed is good");
  const BareQuery back = without_signature(made, "hg-");
  HG_CHECK(back.is_there == bare.is_there && back.text == bare.text, "and comes back as it was");
  return 0;
}
