#include "wire/cookie/cookie.h"

#include <gtest/gtest.h>

namespace headgate::wire::cookie {
namespace {

std::string without(std::string_view field, std::string_view name) {
  std::string out;
  append_without(out, field, name);
  return out;
}

TEST(Cookie, finds_the_first_pair_by_its_exact_name) {
  EXPECT_EQ(find("a=1; b=2; a=3", "a"), "1");
  EXPECT_EQ(find("a=1;b=x=y ;  c = \"q\" ", "b"), "x=y");
  EXPECT_EQ(find("a=1;b=x=y ;  c = \"q\" ", "c"), "\"q\"");
  EXPECT_EQ(find("ab=1; A=2; xa=3", "a"), std::nullopt);
  EXPECT_EQ(find("a=", "a"), "");
  EXPECT_EQ(find("flag; =x", "flag"), std::nullopt);
  EXPECT_EQ(find("", "a"), std::nullopt);
}

TEST(Cookie, walks_every_pair_in_order) {
  Pairs pairs("; a=1;;bare; =v; b=2;");
  std::string seen;
  while (const auto pair = pairs.next())
    seen.append(pair->name).append(":").append(pair->value).append(" ");
  EXPECT_EQ(seen, "a:1 :bare :v b:2 ");
}

TEST(Cookie, takes_out_every_pair_of_a_name_and_no_other_byte) {
  EXPECT_EQ(without("a=1; hg=x; b=\"2 3\"", "hg"), "a=1; b=\"2 3\"");
  EXPECT_EQ(without("hg=x; a=1;hg=y", "hg"), "a=1");
  EXPECT_EQ(without("hg=x", "hg"), "");
  EXPECT_EQ(without("xhg=1; HG=2; hg", "hg"), "xhg=1; HG=2; hg");
  EXPECT_EQ(find(without("hg=1; hg =2; a=b", "hg"), "hg"), std::nullopt);
}

TEST(Cookie, writes_set_cookie_with_its_attributes) {
  std::string out;
  EXPECT_TRUE(append_set_cookie(out, {.name = "a", .value = ""}));
  EXPECT_EQ(out, "a=");
  out.clear();
  EXPECT_TRUE(append_set_cookie(out, {.name = "hg",
                                      .value = "v1",
                                      .path = "/",
                                      .domain = "example.org",
                                      .max_age_s = 3600,
                                      .secure = true,
                                      .http_only = true,
                                      .partitioned = true,
                                      .same_site = SameSite::kNone}));
  EXPECT_EQ(out,
            "hg=v1; Path=/; Domain=example.org; Max-Age=3600; Secure; HttpOnly; SameSite=None; "
            "Partitioned");
  out.clear();
  EXPECT_TRUE(append_set_cookie(
      out, {.name = "hg", .value = "", .max_age_s = -5, .same_site = SameSite::kLax}));
  EXPECT_EQ(out, "hg=; Max-Age=0; SameSite=Lax");
}

TEST(Cookie, writes_nothing_that_a_browser_would_misread) {
  const std::string long_value(kSetCookieBytesMax, 'x');
  const SetCookie bad[] = {
      {.name = "", .value = "v"},
      {.name = "a b", .value = "v"},
      {.name = "a=", .value = "v"},
      {.name = "a", .value = "v;w"},
      {.name = "a", .value = "v\r\nX: y"},
      {.name = "a", .value = "\xc3\xa9"},
      {.name = "a", .value = long_value},
      {.name = "a", .value = "v", .path = "/;Secure"},
      {.name = "a", .value = "v", .domain = "x\n"},
      {.name = "a", .value = "v", .same_site = SameSite::kNone},
      {.name = "a", .value = "v", .partitioned = true},
      {.name = "__Host-a", .value = "v", .secure = true},
      {.name = "__Host-a", .value = "v", .path = "/", .domain = "x", .secure = true},
      {.name = "__Secure-a", .value = "v"}};
  for (const SetCookie& cookie : bad) {
    std::string out = "kept";
    EXPECT_FALSE(append_set_cookie(out, cookie)) << cookie.name << cookie.value.substr(0, 20);
    EXPECT_EQ(out, "kept");
  }
  std::string out;
  EXPECT_TRUE(
      append_set_cookie(out, {.name = "__Host-a", .value = "v", .path = "/", .secure = true}));
}

}  // namespace
}  // namespace headgate::wire::cookie
