#include "decide/cache/invalidation.h"

#include <gtest/gtest.h>

namespace headgate::decide::cache {
namespace {

using wire::http::Method;

TEST(Invalidation, rfc9111_4_4_an_unsafe_request_that_is_no_error_invalidates) {
  for (const auto method : {Method::kPost, Method::kPut, Method::kDelete, Method::kPatch})
    for (const int status : {200, 204, 303, 399}) EXPECT_TRUE(invalidates(method, status));
  for (const int status : {103, 400, 404, 500}) EXPECT_FALSE(invalidates(Method::kPost, status));
  for (const auto method : {Method::kGet, Method::kHead, Method::kOptions, Method::kTrace,
                            Method::kPropfind, Method::kReport, Method::kSearch})
    EXPECT_FALSE(invalidates(method, 200));
}

TEST(Invalidation, rfc9111_4_4_a_method_of_unknown_safety_invalidates) {
  EXPECT_TRUE(invalidates(Method::kOther, 200));
}

std::string url(std::string_view reference, std::optional<std::uint16_t> port = std::nullopt) {
  ResolveScratch scratch;
  const KeyInput request{"https", "a.example", port, "/b/c", {"d", true}, 0};
  const auto out = same_origin_url(request, "/b/c?d", reference, scratch);
  if (!out) return "none";
  KeyBuilder builder({});
  std::string text;
  append_key_text(text, *read_key(builder.build(*out, {}, {}).bytes));
  return text;
}

TEST(Invalidation, rfc9111_4_4_location_and_content_location_of_the_same_origin_count) {
  EXPECT_EQ(url("/x?y"), "https://a.example/x?y");
  EXPECT_EQ(url("x"), "https://a.example/b/x");
  EXPECT_EQ(url("../%7ex"), "https://a.example/~x");
  EXPECT_EQ(url("https://A.example:443/x#f"), "https://a.example/x");
  EXPECT_EQ(url("//a.example"), "https://a.example/");
  EXPECT_EQ(url(""), "https://a.example/b/c?d");
  EXPECT_EQ(url("https://a.example:8443/x", 8443), "https://a.example:8443/x");
}

TEST(Invalidation, rfc9111_4_4_other_origins_do_not_count) {
  for (const char* other :
       {"http://a.example/x", "https://b.example/x", "https://a.example:8443/x", "//b.example/x",
        "https://a.example@b.example/x", "mailto:a@a.example", "https:///x", "/../x", "/%zz"})
    EXPECT_EQ(url(other), "none") << other;
  EXPECT_EQ(url("https://a.example/x", 8443), "none");
}

}  // namespace
}  // namespace headgate::decide::cache
