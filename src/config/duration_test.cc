#include "config/duration.h"

#include <gtest/gtest.h>

#include "base/prng.h"

namespace headgate::config {
namespace {

TEST(Duration, IsReadAsTheGatewayApiWritesIt) {
  EXPECT_EQ(parse_duration("0s"), 0s);
  EXPECT_EQ(parse_duration("10s"), 10s);
  EXPECT_EQ(parse_duration("250ms"), 250ms);
  EXPECT_EQ(parse_duration("1h30m"), 90min);
  EXPECT_EQ(parse_duration("1h2m3s4ms"), 1h + 2min + 3s + 4ms);
  EXPECT_EQ(parse_duration("99999h"), 99999h);
}

TEST(Duration, RefusesWhatTheGatewayApiRefuses) {
  for (const char* text :
       {"", "1", "s", "-1s", "1.5s", "1d", "100000s", "1s1s1s1s1s", "1 s", "1S", "1us"})
    EXPECT_FALSE(parse_duration(text)) << text;
}

TEST(Duration, WhatIsWrittenIsReadBack) {
  Prng prng(7);
  for (int i = 0; i < 2000; ++i) {
    const Duration duration = std::chrono::milliseconds(prng.below(1ULL << (1 + prng.below(36))));
    EXPECT_EQ(parse_duration(format_duration(duration)), duration) << format_duration(duration);
  }
}

}  // namespace
}  // namespace headgate::config
