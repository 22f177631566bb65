#include "app/sign_command.h"

#include <gtest/gtest.h>

#include <fstream>

namespace headgate::app {
namespace {

constexpr WallTime kNow{1'700'000'000'000'000'000};

std::string key_file(std::string_view bytes) {
  const std::string path = testing::TempDir() + "sign_command_key";
  std::ofstream(path, std::ios::binary) << bytes;
  return path;
}

SignUrlOptions options(std::string url) {
  SignUrlOptions out;
  out.url = std::move(url);
  out.key_id = "k";
  out.key_file = key_file("0123456789abcdef0123456789abcdef");
  return out;
}

std::string outcome(const SignUrlOptions& one) {
  const auto url = signed_url(one, kNow);
  return url ? *url : url.error().message;
}
std::string beginning(const SignUrlOptions& one) {
  const std::string out = outcome(one);
  return out.substr(0, out.find("hg-signature"));
}

TEST(SignUrl, AppendsItsParametersToTheCanonicalUrl) {
  EXPECT_EQ(beginning(options("https://cdn.example:8443/a/./%7Eb?c=1&c=2")),
            "https://cdn.example:8443/a/~b?c=1&c=2&hg-expires=1700003600&hg-key=k&");
  EXPECT_EQ(beginning(options("http://cdn.example")),
            "http://cdn.example/?hg-expires=1700003600&hg-key=k&");
  SignUrlOptions below = options("http://cdn.example/v/1/a");
  below.prefix = "/v/1/";
  below.expires_in = 5s;
  EXPECT_EQ(beginning(below),
            "http://cdn.example/v/1/a?hg-expires=1700000005&hg-key=k&hg-prefix=/v/1/&");
}

TEST(SignUrl, SaysWhatItCannotSign) {
  EXPECT_NE(outcome(options("cdn.example/a")).find("expected a URL such as"), std::string::npos);
  EXPECT_NE(outcome(options("http://a@b/")).find("expected a host"), std::string::npos);
  EXPECT_NE(outcome(options("http://a/%zz")).find("'http://a/%zz': "), std::string::npos);
  EXPECT_EQ(outcome(options("http://a/?hg-key=x")), "'http://a/?hg-key=x' is signed already");
  SignUrlOptions one = options("http://a/b");
  one.address = "300.1.1.1";
  EXPECT_EQ(outcome(one), "--address: '300.1.1.1' is not an IP address");
  one = options("http://a/b");
  one.prefix = "/c/";
  EXPECT_EQ(outcome(one), "--prefix: '/b' does not begin with '/c/'");
  one.prefix = "/b";
  EXPECT_NE(outcome(one).find("begins and ends with '/'"), std::string::npos);
  one = options("http://a/b");
  one.key_file = key_file("short");
  EXPECT_NE(outcome(one).find("expected at least 32 bytes of key, got 5"), std::string::npos);
  one.key_file = "/does/not/exist";
  EXPECT_NE(outcome(one).find("/does/not/exist"), std::string::npos);
}

}  // namespace
}  // namespace headgate::app
