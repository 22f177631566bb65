#include "wire/http/range.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

#include "base/prng.h"

namespace headgate::wire::http {
namespace {

std::string fit(std::string_view value, std::uint64_t length) {
  const auto specs = parse_range(value);
  if (!specs) return "ignored";
  ByteRanges out;
  const RangeFit result = resolve(*specs, length, out);
  if (result == RangeFit::kNone) return "none";
  if (result == RangeFit::kWhole) return "whole";
  std::string text;
  for (const ByteRange& range : out)
    text += std::to_string(range.first) + "-" + std::to_string(range.last) + " ";
  return text;
}

TEST(Range, Rfc9110_14_1_2_FirstLastOpenAndSuffixRanges) {
  EXPECT_EQ(fit("bytes=0-499", 10000), "0-499 ");
  EXPECT_EQ(fit("bytes=9500-", 10000), "9500-9999 ");
  EXPECT_EQ(fit("bytes=-500", 10000), "9500-9999 ");
  EXPECT_EQ(fit("bytes=0-0,-1", 10000), "0-0 9999-9999 ");
  EXPECT_EQ(fit("Bytes= 0-0 ,, 5000-5000\t", 10000), "0-0 5000-5000 ");
}

TEST(Range, Rfc9110_14_1_2_EndsBeyondTheLengthAreCutOff) {
  EXPECT_EQ(fit("bytes=5-999", 10), "5-9 ");
  EXPECT_EQ(fit("bytes=-999", 10), "0-9 ");
  EXPECT_EQ(fit("bytes=5-99999999999999999999999", 10), "5-9 ");
  EXPECT_EQ(fit("bytes=0-18446744073709551615", 10), "0-9 ");
}

TEST(Range, Rfc9110_15_5_17_NothingSatisfiableIs416) {
  EXPECT_EQ(fit("bytes=10-", 10), "none");
  EXPECT_EQ(fit("bytes=-0", 10), "none");
  EXPECT_EQ(fit("bytes=99999999999999999999999-", 10), "none");
  EXPECT_EQ(fit("bytes=10-20, 3-4", 10), "3-4 ");
  EXPECT_EQ(fit("bytes=0-", 0), "none");
  EXPECT_EQ(fit("bytes=-5", 0), "whole");
}

TEST(Range, Rfc9110_14_2_WhatIsMalformedReversedOrOfAnotherUnitIsIgnored) {
  for (const char* bad : {"", "bytes", "bytes=", "bytes=,", "bytes=-", "bytes=a-b", "bytes=1",
                          "bytes=5-4", "bytes=0-1,5-4", "bytes=0-1-2", "bytes =0-1", "bytes:0-1",
                          "lines=0-1", "bytes=+1-2", "bytes=1- 2", "bytes=0x1-2", "bytes=--1"})
    EXPECT_EQ(fit(bad, 100), "ignored") << bad;
}

TEST(Range, Rfc9110_17_15_TooManyRangesAreIgnoredAsAWhole) {
  std::string value = "bytes=0-0";
  for (std::size_t i = 1; i < kRangesMax; ++i) value += "," + std::to_string(i * 1000) + "-";
  EXPECT_NE(fit(value, 1000000), "ignored");
  EXPECT_EQ(fit(value + ",0-0", 1000000), "ignored");
}

TEST(Range, Rfc9110_15_3_7_2_RangesThatOverlapTouchOrNearlyTouchBecomeOne) {
  EXPECT_EQ(fit("bytes=0-9,10-19", 10000), "0-19 ");
  EXPECT_EQ(fit("bytes=0-99,50-150", 10000), "0-150 ");
  EXPECT_EQ(fit("bytes=0-9,138-140", 10000), "0-140 ");
  EXPECT_EQ(fit("bytes=0-9,139-140", 10000), "0-9 139-140 ");
  EXPECT_EQ(fit("bytes=5000-5009,0-9,1000-1009", 10000), "5000-5009 0-9 1000-1009 ");
  EXPECT_EQ(fit("bytes=9000-,0-9,5-9500,4000-", 10000), "0-9999 ");
  EXPECT_EQ(fit("bytes=0-,0-,0-,0-", 10000), "0-9999 ");
}

// Every byte that was asked for, in no more bytes than there are, in parts far enough apart.
TEST(RangeProperty, TheAnswerHoldsWhatWasAskedForOnceEach) {
  Prng prng(14);
  for (int run = 0; run < 5000; ++run) {
    const std::uint64_t length = 1 + prng.below(3000);
    std::string value = "bytes=";
    std::set<std::uint64_t> wanted;
    for (std::uint64_t i = 0, n = 1 + prng.below(8); i < n; ++i) {
      const std::uint64_t first = prng.below(3500), last = first + prng.below(60);
      value += (i ? "," : "") + std::to_string(first) + "-" + std::to_string(last);
      for (std::uint64_t at = first; at <= last && at < length; ++at) wanted.insert(at);
    }
    ByteRanges out;
    const RangeFit result = resolve(*parse_range(value), length, out);
    ASSERT_EQ(result == RangeFit::kNone, wanted.empty()) << value;
    std::set<std::uint64_t> given;
    for (const ByteRange& range : out) {
      ASSERT_LE(range.first, range.last);
      ASSERT_LT(range.last, length);
      for (std::uint64_t at = range.first; at <= range.last; ++at)
        ASSERT_TRUE(given.insert(at).second) << value;
    }
    for (const auto at : wanted) ASSERT_TRUE(given.contains(at)) << value;
    for (const auto at : given) {
      const auto next = wanted.lower_bound(at);
      ASSERT_TRUE(next != wanted.end() && *next - at <= kRangeGapMax) << value;
    }
  }
}

TEST(ContentRange, Rfc9110_14_4_RangesLengthsAndTheirAbsenceAreRead) {
  const auto full = parse_content_range("bytes 42-1233/1234");
  ASSERT_TRUE(full && full->range && full->complete_length);
  EXPECT_EQ(*full->range, (ByteRange{42, 1233}));
  EXPECT_EQ(full->range->size(), 1192U);
  EXPECT_EQ(*full->complete_length, 1234U);
  EXPECT_FALSE(parse_content_range("bytes 0-9/*")->complete_length);
  EXPECT_FALSE(parse_content_range("bytes */1234")->range);
  for (const char* bad :
       {"", "bytes", "bytes ", "bytes 0-9", "bytes 0-9/", "bytes 9-0/20", "bytes 0-9/9",
        "bytes */*", "bytes=0-9/20", "lines 0-9/20", "bytes -9/20", "bytes 0-/20", "bytes 0-9 /20",
        "bytes 0-9/20 ", "bytes 0-18446744073709551615/*", "bytes 0-9/18446744073709551616"})
    EXPECT_FALSE(parse_content_range(bad)) << bad;
}

TEST(ContentRange, Rfc9110_14_4_WhatIsWrittenIsReadAgain) {
  std::string out;
  append_content_range(out, {5, 9}, 100);
  EXPECT_EQ(out, "bytes 5-9/100");
  EXPECT_TRUE(parse_content_range(out));
  out.clear();
  append_unsatisfied_range(out, 100);
  EXPECT_EQ(out, "bytes */100");
}

}  // namespace
}  // namespace headgate::wire::http
