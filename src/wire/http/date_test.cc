#include "wire/http/date.h"

#include <gtest/gtest.h>

#include <limits>

#include "base/prng.h"

namespace headgate::wire::http {
namespace {

constexpr std::int64_t kSecond = 1'000'000'000;
constexpr WallTime kNow{1'800'000'000 * kSecond};  // 2027-01-15

std::optional<std::int64_t> seconds(std::string_view text) {
  const auto t = parse_date(text, kNow);
  if (!t) return std::nullopt;
  return t->ns / kSecond;
}

TEST(Date, Rfc9110Section567AllThreeFormsAreRead) {
  EXPECT_EQ(seconds("Sun, 06 Nov 1994 08:49:37 GMT"), 784111777);
  EXPECT_EQ(seconds("Sunday, 06-Nov-94 08:49:37 GMT"), 784111777);
  EXPECT_EQ(seconds("Sun Nov  6 08:49:37 1994"), 784111777);
  EXPECT_EQ(seconds("Thu, 01 Jan 1970 00:00:00 GMT"), 0);
  EXPECT_EQ(seconds("Thu, 29 Feb 2024 23:59:59 GMT"), 1709251199);
  EXPECT_EQ(seconds("Sat, 31 Dec 2016 23:59:60 GMT"), 1483228800);
}

TEST(Date, WhatIsNotExactlyADateIsNone) {
  for (const char* text :
       {"", "0", "-1", "Mon, 06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 6 Nov 1994 08:49:37 GMT", "sun, 06 nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT", "Fri, 30 Feb 2024 00:00:00 GMT",
        "Sun, 06 Nov 1994 08:49:37 GMT ", "Sun, 00 Nov 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 08:49:37", "Sunday, 06-Nov-94 08:49:37", "Sun Nov 6 08:49:37 1994",
        "Sun, 06 Nov 1994 08:49:+7 GMT", "Sun, 06-Nov-94 08:49:37 GMT"})
    EXPECT_FALSE(parse_date(text, kNow)) << text;
}

TEST(Date, TwoDigitYearsStayWithin50YearsAhead) {
  EXPECT_EQ(seconds("Friday, 01-Jan-77 00:00:00 GMT"), 3376684800);    // 2077
  EXPECT_FALSE(parse_date("Saturday, 01-Jan-77 00:00:00 GMT", kNow));  // the day name of 1977
  EXPECT_EQ(seconds("Sunday, 01-Jan-78 00:00:00 GMT"), 252460800);     // 1978
}

TEST(Date, DatesBeyondTheClockAreItsEnds) {
  EXPECT_EQ(parse_date("Fri, 31 Dec 9999 23:59:59 GMT", kNow),
            WallTime{std::numeric_limits<std::int64_t>::max()});
  EXPECT_EQ(parse_date("Mon, 01 Jan 0001 00:00:00 GMT", kNow),
            WallTime{std::numeric_limits<std::int64_t>::min()});
}

TEST(Date, WhatIsWrittenIsReadAgain) {
  Prng prng(3);
  for (int round = 0; round < 20000; ++round) {
    const auto t = static_cast<std::int64_t>(prng.below(13'000'000'000)) - 4'000'000'000;
    std::string text;
    append_date(text, {t * kSecond + 999'999'999});
    ASSERT_EQ(text.size(), kDateBytes);
    ASSERT_EQ(seconds(text), t) << text;
  }
}

}  // namespace
}  // namespace headgate::wire::http
