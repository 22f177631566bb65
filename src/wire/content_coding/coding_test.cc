#include "wire/content_coding/coding.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::wire::content_coding {
namespace {

constexpr Coding kAll[] = {Coding::kZstd, Coding::kBrotli, Coding::kGzip};

std::string chosen(std::string_view field) {
  const auto coding = choose(field, kAll);
  return coding ? std::string(to_string(*coding)) : "none";
}

TEST(Negotiation, the_highest_weight_wins_and_our_order_breaks_ties) {
  EXPECT_EQ(chosen("gzip, deflate, br, zstd"), "zstd");
  EXPECT_EQ(chosen("gzip, deflate, br"), "br");
  EXPECT_EQ(chosen("gzip;q=1.0, br;q=0.9"), "gzip");
  EXPECT_EQ(chosen("GZIP;Q=0.5, Br;q=0.25"), "gzip");
  EXPECT_EQ(chosen("x-gzip"), "gzip");
  EXPECT_EQ(chosen("deflate, compress"), "identity");
}

TEST(Negotiation, identity_is_acceptable_unless_it_is_excluded) {
  EXPECT_EQ(chosen(""), "identity");
  EXPECT_EQ(chosen("gzip;q=0, br;q=0, zstd;q=0"), "identity");
  EXPECT_EQ(chosen("identity;q=0"), "none");
  EXPECT_EQ(chosen("*;q=0"), "none");
  EXPECT_EQ(chosen("*;q=0, identity;q=0.1"), "identity");
  EXPECT_EQ(chosen("*;q=0, gzip"), "gzip");
  EXPECT_EQ(chosen("identity;q=0, gzip;q=0.001"), "gzip");
  EXPECT_EQ(chosen("identity, gzip;q=0.5"), "identity");
  EXPECT_EQ(chosen("identity;q=0.5, gzip;q=0.5"), "gzip");
}

TEST(Negotiation, a_star_stands_for_every_coding_that_is_not_named) {
  EXPECT_EQ(chosen("*"), "zstd");
  EXPECT_EQ(chosen("zstd;q=0, *"), "br");
  EXPECT_EQ(chosen("*;q=0.2, gzip;q=0.5"), "gzip");
}

TEST(Negotiation, what_was_refused_once_is_never_sent) {
  EXPECT_EQ(chosen("gzip;q=0, gzip"), "identity");
  EXPECT_EQ(chosen("gzip, x-gzip;q=0"), "identity");
}

TEST(Negotiation, a_malformed_field_asks_for_nothing) {
  EXPECT_EQ(chosen("gzip;q=2"), "identity");
  EXPECT_EQ(chosen("gzip, br;q=0.1234"), "identity");
}

TEST(Negotiation, only_what_is_offered_is_chosen) {
  constexpr Coding kGzipOnly[] = {Coding::kGzip};
  EXPECT_EQ(choose("br, gzip;q=0.1", kGzipOnly), Coding::kGzip);
  EXPECT_EQ(choose("br, gzip", {}), Coding::kIdentity);
  EXPECT_EQ(choose("br, identity;q=0", {}), std::nullopt);
}

TEST(Compressible, text_like_types_are_and_packed_ones_are_not) {
  for (const char* type :
       {"text/html", "Text/HTML; charset=utf-8", "application/json", "application/problem+json",
        "image/svg+xml", "application/javascript ;v=1", "font/ttf", "application/wasm",
        "application/atom+XML"})
    EXPECT_TRUE(compressible(type)) << type;
  for (const char* type : {"", "text", "text/", "image/png", "image/jpeg", "video/mp4",
                           "application/zip", "font/woff2", "application/octet-stream",
                           "application/grpc", "application/jsonx", "+json", "x/+json", "json"})
    EXPECT_FALSE(compressible(type)) << type;
}

TEST(Coding, names_read_back) {
  for (const Coding coding : {Coding::kIdentity, Coding::kGzip, Coding::kBrotli, Coding::kZstd})
    EXPECT_EQ(parse_coding(to_string(coding)), coding);
  EXPECT_EQ(parse_coding("deflate"), std::nullopt);
}

}  // namespace
}  // namespace headgate::wire::content_coding
