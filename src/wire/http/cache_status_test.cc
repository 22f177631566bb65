#include "wire/http/cache_status.h"

#include <gtest/gtest.h>

#include "wire/http/structured_field.h"

namespace headgate::wire::http {
namespace {

using Forward = CacheStatus::Forward;

std::string write(const CacheStatus& status, std::string_view cache = "headgate") {
  std::string out;
  append_cache_status(out, cache, status);
  EXPECT_TRUE(parse_sf_list(out)) << out;
  return out;
}

TEST(CacheStatus, Rfc9211_2_1_AHitHasNoForward) {
  EXPECT_EQ(write({.hit = true, .ttl = 376}), "headgate; hit; ttl=376");
  EXPECT_EQ(write({.hit = true, .forward = Forward::kStale, .stored = true}), "headgate; hit");
  EXPECT_EQ(write({.hit = true, .ttl = -412, .detail = "max-stale"}),
            "headgate; hit; ttl=-412; detail=max-stale");
}

TEST(CacheStatus, Rfc9211_2_2_AForwardSaysWhyAndWhatCameBack) {
  EXPECT_EQ(write({.forward = Forward::kUriMiss, .stored = true, .collapsed = true}),
            "headgate; fwd=uri-miss; stored; collapsed");
  EXPECT_EQ(write({.forward = Forward::kStale, .forward_status = 304, .ttl = 60}),
            "headgate; fwd=stale; fwd-status=304; ttl=60");
  EXPECT_EQ(write({}), "headgate");
}

TEST(CacheStatus, Rfc9211_2_TheNameKeyAndDetailAreStructuredValues) {
  EXPECT_EQ(write({.hit = true, .key = "http://a/b?c=\"d\"", .detail = "two words"}, "edge one"),
            "\"edge one\"; hit; key=\"http://a/b?c=\\\"d\\\"\"; detail=\"two words\"");
  EXPECT_EQ(write({.hit = true, .key = "a\nb", .detail = "\x7f"}), "headgate; hit");
}

TEST(CacheStatus, Rfc9211_2_2_EveryForwardReasonIsAToken) {
  const std::string_view names[] = {"bypass", "method",  "uri-miss", "vary-miss",
                                    "miss",   "request", "stale",    "partial"};
  for (int i = 0; i < 8; ++i) EXPECT_EQ(to_string(static_cast<Forward>(i + 1)), names[i]);
}

}  // namespace
}  // namespace headgate::wire::http
