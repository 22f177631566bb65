#include "roles/proxy/reading_rate.h"

#include <gtest/gtest.h>

namespace headgate::proxy {
namespace {

TEST(ReadingRate, JudgesAWholePeriodInWhichBytesWaited) {
  ReadingRate rate;
  EXPECT_FALSE(rate.is_below(100, 0, true)) << "the period begins";
  EXPECT_FALSE(rate.is_below(100, 100, true));
  EXPECT_TRUE(rate.is_below(100, 199, true));
}

TEST(ReadingRate, DoesNotJudgeWhoWasCaughtUp) {
  ReadingRate rate;
  rate.is_below(100, 0, true);
  EXPECT_FALSE(rate.is_below(100, 0, false));
  EXPECT_FALSE(rate.is_below(100, 0, true)) << "bytes wait anew";
  EXPECT_TRUE(rate.is_below(100, 0, true));
}

TEST(ReadingRate, TellsWhetherAnyByteWasTakenSinceItWasAsked) {
  ReadingRate rate;
  EXPECT_FALSE(rate.moves(0));
  EXPECT_TRUE(rate.moves(1));
  EXPECT_FALSE(rate.moves(1));
}

}  // namespace
}  // namespace headgate::proxy
