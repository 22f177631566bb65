#include "base/ascii.h"

#include <gtest/gtest.h>

#include <cstdio>

#include "base/prng.h"

namespace headgate {
namespace {

TEST(ParseDecimal, TakesDigitsAlone) {
  EXPECT_EQ(parse_decimal("0"), 0u);
  EXPECT_EQ(parse_decimal("18446744073709551615"), UINT64_MAX);
  for (const char* bad : {"", "+1", "-1", " 1", "1 ", "0x10", "1_0", "1.", "18446744073709551616", "99999999999999999999"}) {
    EXPECT_EQ(parse_decimal(bad), std::nullopt) << bad;
  }
}

TEST(AppendHex, AgreesWithPrintfForAllWidths) {
  Prng prng(3);
  for (int i = 0; i < 2000; ++i) {
    const std::uint64_t value = prng.next() >> prng.below(64);
    const int width = static_cast<int>(prng.below(16)) + 1;
    char expected[32];
    std::snprintf(expected, sizeof expected, "%0*llx", width, static_cast<unsigned long long>(value));
    std::string out = "x";
    append_hex(out, value, width);
    EXPECT_EQ(out, "x" + std::string(expected));
  }
}

TEST(TrimOws, TakesSpacesAndTabsOffBothEnds) {
  EXPECT_EQ(trim_ows(" \t a b\t "), "a b");
  EXPECT_EQ(trim_ows(" \t "), "");
  EXPECT_EQ(trim_ows("\ra"), "\ra");
}

TEST(TakeUntil, GivesEveryPieceOnce) {
  std::string_view rest = "a,,b";
  EXPECT_EQ(take_until(rest, ','), "a");
  EXPECT_EQ(take_until(rest, ','), "");
  EXPECT_EQ(take_until(rest, ','), "b");
  EXPECT_TRUE(rest.empty());
}

TEST(NearestName, FindsTypingMistakesAndNothingElse) {
  constexpr std::string_view names[] = {"backendRefs", "filters", "matches", "timeouts"};
  EXPECT_EQ(nearest_name("backendRef", names, 4), "backendRefs");
  EXPECT_EQ(nearest_name("fitlers", names, 4), "filters");
  EXPECT_EQ(nearest_name("timeout", names, 4), "timeouts");
  EXPECT_EQ(nearest_name("completely", names, 4), std::nullopt);
}

}  // namespace
}  // namespace headgate
