#include "wire/jwt/jwt.h"

#include <gtest/gtest.h>

#include "wire/base64/base64.h"

namespace headgate::wire::jwt {
namespace {

using base64::encode_url;

const std::string kHeader = R"({"alg":"ES256","kid":"a"})", kClaims = R"({"sub":"x","exp":1})";
const std::string kGood =
    encode_url(kHeader) + "." + encode_url(kClaims) + "." + encode_url("signature!");

TEST(Jwt, gives_texts_signature_and_what_is_signed) {
  const auto token = parse(kGood);
  ASSERT_TRUE(token);
  EXPECT_EQ(token->header_json, kHeader);
  EXPECT_EQ(token->claims_json, kClaims);
  EXPECT_EQ(token->signature, "signature!");
  EXPECT_EQ(token->signing_input, encode_url(kHeader) + "." + encode_url(kClaims));
}

TEST(Jwt, refuses_what_is_no_signed_compact_token) {
  const std::string header = encode_url(kHeader), claims = encode_url(kClaims);
  for (const std::string& bad :
       {std::string(), std::string("."), std::string(".."), header + "." + claims,
        header + "." + claims + ".", kGood + ".x", kGood + "=", " " + kGood, kGood + "\n",
        "." + claims + ".c2ln", header + "..c2ln", encode_url("[1]") + "." + claims + ".c2ln",
        header + "." + encode_url("x") + ".c2ln", header + "." + claims + ".+/+/",
        header + "." + claims + ".c2lnb"}) {
    const auto token = parse(bad);
    ASSERT_FALSE(token) << bad;
    EXPECT_EQ(token.error().source, Source::kClient);
  }
}

TEST(Jwt, every_part_is_bounded) {
  const auto token = [](std::size_t header, std::size_t claims, std::size_t signature) {
    const auto object = [](std::size_t size) { return "{" + std::string(size, ' ') + "}"; };
    return parse(encode_url(object(header)) + "." + encode_url(object(claims)) + "." +
                 encode_url(std::string(signature, 's')))
        .has_value();
  };
  EXPECT_TRUE(token(1500, 1, 1));
  EXPECT_FALSE(token(1600, 1, 1));
  EXPECT_TRUE(token(1, 1, 1500));
  EXPECT_FALSE(token(1, 1, 1600));
  EXPECT_TRUE(token(1, 6000, 1));
  EXPECT_FALSE(token(1, 6200, 1));
}

TEST(Jwt, takes_the_token_from_authorization) {
  EXPECT_EQ(bearer_token("Bearer abc.def"), "abc.def");
  EXPECT_EQ(bearer_token("bEARER   abc"), "abc");
  for (const char* bad :
       {"", "Bearer", "Bearer ", "Basic abc", "Bearerabc", "Bearer a b", "Bearer a,b"})
    EXPECT_FALSE(bearer_token(bad)) << bad;
}

}  // namespace
}  // namespace headgate::wire::jwt
