#include "decide/access/signed_url.h"

#include <gtest/gtest.h>

#include <string>

#include "base/hash.h"

namespace headgate::decide::access {
namespace {

using model::SignedUrls;
using wire::http::Method;

const std::string kSecret = "0123456789abcdef0123456789abcdef", kOther(32, 'x');
constexpr std::int64_t kExpires = 1'800'000'000;

SignedUrls policy() {
  SignedUrls out;
  out.keys = {{"new", kSecret}, {"old", kOther}};
  return out;
}

SignedUrlRequest request(std::string_view path, std::string_view query) {
  return {Method::kGet,
          "cdn.example",
          path,
          query,
          wire::ip::ipv4(192, 0, 2, 1),
          WallTime{kExpires * 1'000'000'000 - 1}};
}

UrlToSign url(std::string_view path, std::string_view query = {}) {
  return {.host = "cdn.example",
          .path = path,
          .query = {std::string(query), !query.empty()},
          .prefix = {},
          .address = {},
          .expires_s = kExpires};
}

std::string signed_query(const UrlToSign& one, std::size_t key = 0) {
  const std::string parameters = sign_url(one, policy().keys[key], "hg-");
  return one.query.is_there ? one.query.text + "&" + parameters : parameters;
}

std::string why(const SignedUrls& urls, const SignedUrlRequest& one) {
  return std::string(to_string(check_signed_url(urls, one)));
}

// Made with Python: base64.urlsafe_b64encode(hmac.digest(key, text, "sha256")).rstrip(b"=").
TEST(SignedUrl, MeetsVectorsThatWereMadeElsewhere) {
  EXPECT_EQ(sign_url(url("/a/b.mp4", "t=1&&u="), {"new", kSecret}, "hg-"),
            "hg-expires=1800000000&hg-key=new&hg-signature="
            "f_LyeFD-Yk33zuc9PtIbLwQYFyX3-OzKxLK6SYxnWeE");
  UrlToSign below = url("/a/b.mp4");
  below.prefix = "/a/";
  below.address = "2001:db8::1";
  EXPECT_EQ(sign_url(below, {"old", kOther}, "x."),
            "x.expires=1800000000&x.key=old&x.prefix=/a/&x.signature="
            "WKkWvYNSC6t99S4s3J-LO3yXbAH5GSJb4sy5TovoNO0");
}

TEST(SignedUrl, OfEitherKeyIsGoodUntilItExpires) {
  for (const std::size_t key : {0U, 1U}) {
    const std::string query = signed_query(url("/a", "b=1"), key);
    SignedUrlRequest one = request("/a", query);
    EXPECT_EQ(why(policy(), one), "none");
    one.method = Method::kHead;
    EXPECT_EQ(why(policy(), one), "none");
    one.now = WallTime{kExpires * 1'000'000'000};
    EXPECT_EQ(why(policy(), one), "url_expired");
  }
}

TEST(SignedUrl, IsRefusedForWhatItDoesNotStandFor) {
  const std::string query = signed_query(url("/a", "b=1"));
  EXPECT_EQ(why(policy(), request("/a", "b=1")), "url_unsigned");
  EXPECT_EQ(why(policy(), request("/b", query)), "url_signature_wrong");
  SignedUrlRequest one = request("/a", query);
  one.host = "other.example";
  EXPECT_EQ(why(policy(), one), "url_signature_wrong");
  one = request("/a", query);
  one.method = Method::kPost;
  EXPECT_EQ(why(policy(), one), "url_method");
  SignedUrls rotated = policy();
  rotated.keys.erase(rotated.keys.begin());
  EXPECT_EQ(why(rotated, request("/a", query)), "url_key_unknown");
  rotated.keys.clear();
  EXPECT_EQ(why(rotated, request("/a", query)), "url_key_unknown")
      << "a faulty policy lets nobody in";
  SignedUrls renamed = policy();
  renamed.parameter_prefix = "sig-";
  EXPECT_EQ(why(renamed, request("/a", query)), "url_unsigned");
}

TEST(SignedUrl, IsMalformedWithAParameterTooManyOrTooFew) {
  const std::string query = signed_query(url("/a"));
  EXPECT_EQ(why(policy(), request("/a", query + "&hg-key=new")), "url_malformed");
  EXPECT_EQ(why(policy(), request("/a", query + "&hg%2Dkey=old")), "url_malformed");
  EXPECT_EQ(why(policy(), request("/a", query.substr(query.find('&') + 1))), "url_malformed");
  for (const char* const expires : {"", "0", "01800000000", "-1", "+1", "1e9", "1800000000000"}) {
    std::string changed = query;
    changed.replace(changed.find("1800000000"), 10, expires);
    EXPECT_EQ(why(policy(), request("/a", changed)), "url_malformed") << expires;
  }
}

TEST(SignedUrl, OfAPrefixStandsForEveryPathBelowWithAnyQuery) {
  UrlToSign one = url("/", "");
  one.prefix = "/video/1/";
  const std::string query = signed_query(one);
  SignedUrls urls = policy();
  EXPECT_EQ(why(urls, request("/video/1/a.ts", query)), "url_malformed") << "prefixes are off";
  urls.prefix_allowed = true;
  EXPECT_EQ(why(urls, request("/video/1/a.ts", query)), "none");
  EXPECT_EQ(why(urls, request("/video/1/", "any=1&" + query)), "none");
  for (const char* const path : {"/video/1", "/video/10/a.ts", "/video/", "/x/video/1/a"})
    EXPECT_EQ(why(urls, request(path, query)), "url_malformed") << path;
  std::string wider = query;
  wider.replace(wider.find("/video/1/"), 9, "/video/");
  EXPECT_EQ(why(urls, request("/video/1/a.ts", wider)), "url_signature_wrong");
  std::string dropped = query;
  dropped.erase(dropped.find("&hg-prefix=/video/1/"), 20);
  EXPECT_EQ(why(urls, request("/video/1/", dropped)), "url_signature_wrong");
  EXPECT_EQ(
      why(urls, request("/video/1/", signed_query(url("/video/1/")) + "&hg-prefix=/video/1/")),
      "url_signature_wrong");
}

TEST(SignedUrl, ThatIsBoundToAnAddressIsForThatClientAlone) {
  SignedUrls urls = policy();
  urls.bind_address = true;
  UrlToSign one = url("/a");
  EXPECT_EQ(why(urls, request("/a", signed_query(one))), "url_signature_wrong");
  one.address = "192.0.2.1";
  const std::string query = signed_query(one);
  EXPECT_EQ(why(urls, request("/a", query)), "none");
  SignedUrlRequest other = request("/a", query);
  other.client = wire::ip::ipv4(192, 0, 2, 2);
  EXPECT_EQ(why(urls, other), "url_signature_wrong");
  EXPECT_EQ(why(policy(), request("/a", query)), "url_signature_wrong");
}

TEST(SignedUrl, LosesItsParametersAndNothingElse) {
  const auto bare = [](std::string_view query) {
    const BareQuery out = without_signature(query, "hg-");
    return out.is_there ? "?" + out.text : out.text;
  };
  EXPECT_EQ(bare("hg-expires=1&hg-key=a&hg-signature=x&hg-prefix=/"), "");
  EXPECT_EQ(bare("a=1&hg-key=a&b&&c=&hg%2dsignature=x"), "?a=1&b&&c=");
  EXPECT_EQ(bare("&hg-key=a"), "?");
  EXPECT_EQ(bare("hg-keys=a&xhg-key=b"), "?hg-keys=a&xhg-key=b");
  EXPECT_EQ(bare(""), "");
  EXPECT_TRUE(has_signature("a=1&hg-key", "hg-"));
  EXPECT_FALSE(has_signature("a=1", "hg-"));
}

// --- no byte of a signed URL can be another one

class Random {
 public:
  std::uint64_t below(std::uint64_t bound) { return (state_ = scramble64(state_ + 1)) % bound; }

 private:
  std::uint64_t state_ = 7;
};

std::string random_query(Random& random) {
  static constexpr std::string_view kBytes = "ab=&&%2-+~h";
  std::string out;
  for (std::uint64_t i = random.below(12); i > 0; --i) out += kBytes[random.below(kBytes.size())];
  return out;
}

void expect_refused(const SignedUrls& urls, const std::string& target, const std::string& good) {
  const std::size_t mark = target.find('?');
  if (mark == std::string::npos) return;
  EXPECT_NE(why(urls, request(target.substr(0, mark), target.substr(mark + 1))), "none")
      << target << "\n"
      << good;
}

TEST(SignedUrl, WithAnyByteChangedAddedOrTakenOutIsRefused) {
  Random random;
  for (int round = 0; round < 60; ++round) {
    const bool by_prefix = round % 4 == 0;
    SignedUrls urls = policy();
    urls.prefix_allowed = true;
    urls.bind_address = round % 3 == 0;
    UrlToSign one = url("/v/a.ts", by_prefix ? "" : random_query(random));
    one.query.is_there = !one.query.text.empty();
    if (by_prefix) one.prefix = "/v/";
    if (urls.bind_address) one.address = "192.0.2.1";
    const std::string query = signed_query(one, random.below(2)), good = "/v/a.ts?" + query;
    ASSERT_EQ(why(urls, request("/v/a.ts", query)), "none") << good;
    // Below a prefix the rest of the path is free.
    for (std::size_t at = by_prefix ? good.find('?') : 0; at < good.size(); ++at) {
      std::string changed = good, added = good, cut = good;
      changed[at] = static_cast<char>(changed[at] ^ (1 << random.below(7)));
      expect_refused(urls, changed, good);
      if (by_prefix) continue;
      added.insert(at, 1, "a&=?0/"[random.below(6)]);
      if (added != good) expect_refused(urls, added, good);
      cut.erase(at, 1);
      expect_refused(urls, cut, good);
    }
  }
}

}  // namespace
}  // namespace headgate::decide::access
