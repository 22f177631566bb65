#include "wire/http/cache_control.h"

#include <gtest/gtest.h>

#include <string>

namespace headgate::wire::http {
namespace {

CacheControl parse(std::initializer_list<std::string_view> lines) {
  Fields fields;
  for (const auto line : lines) fields.push_back({"cache-control", line, FieldId::kCacheControl});
  return parse_cache_control(fields);
}

std::string walk(std::string_view line) {
  std::string out;
  Directives directives(line);
  for (Directive d; directives.next(d);) {
    out.append(d.name);
    if (d.argument) out.append("=").append(*d.argument);
    out.append(d.is_clean ? ";" : "!;");
  }
  return out;
}

TEST(CacheControl, Rfc9111_1_2_2_DeltaSecondsAreDigitsAndOverflowIsTheLargest) {
  EXPECT_EQ(parse_delta_seconds("0"), 0U);
  EXPECT_EQ(parse_delta_seconds("0060"), 60U);
  EXPECT_EQ(parse_delta_seconds("2147483648"), kDeltaSecondsMax);
  EXPECT_EQ(parse_delta_seconds("2147483649"), kDeltaSecondsMax);
  EXPECT_EQ(parse_delta_seconds(std::string(400, '9')), kDeltaSecondsMax);
  for (const char* bad : {"", "-1", "+1", "1.5", " 1", "1 ", "0x1", "1_000", "one"})
    EXPECT_FALSE(parse_delta_seconds(bad)) << bad;
}

TEST(CacheControl, Rfc9111_5_2_NamesAreCaseInsensitiveAndBothArgumentFormsAreRead) {
  const auto c = parse({"MAX-AGE=10, S-Maxage=\"20\" ,\tno-Store"});
  EXPECT_EQ(c.max_age.seconds, 10U);
  EXPECT_EQ(c.s_maxage.seconds, 20U);
  EXPECT_TRUE(c.no_store);
}

TEST(CacheControl, Rfc9111_5_2_LinesAreOneListAndEmptyElementsAreSkipped) {
  const auto c = parse({",, public", " , max-age=3,,", ""});
  EXPECT_TRUE(c.is_public);
  EXPECT_EQ(c.max_age.seconds, 3U);
  EXPECT_FALSE(parse({}).is_present);
  EXPECT_TRUE(parse({""}).is_present);
}

TEST(CacheControl, Rfc9111_5_2_3_UnknownDirectivesAreSkippedWithTheirQuotedArguments) {
  const auto c = parse({"community=\"UCI, no-store\", x=\"a\\\", no-cache\", max-age=5"});
  EXPECT_FALSE(c.no_store);
  EXPECT_FALSE(c.no_cache.is_present());
  EXPECT_EQ(c.max_age.seconds, 5U);
}

TEST(CacheControl, Rfc9111_4_2_1_TheFirstOfSeveralValuesIsUsed) {
  EXPECT_EQ(parse({"max-age=5, max-age=9"}).max_age.seconds, 5U);
  EXPECT_EQ(parse({"max-age=9", "max-age=5"}).max_age.seconds, 9U);
}

TEST(CacheControl, Rfc9111_4_2_1_AnInvalidValueAnywhereMakesTheDirectiveInvalid) {
  for (const char* line :
       {"max-age", "max-age=", "max-age=-1", "max-age=1.5", "max-age =5", "max-age= 5",
        "max-age=5;x", "max-age=5 6", "max-age=\"5", "max-age=\"\\5\"", "max-age=5, max-age=x",
        "max-age=x, max-age=5", "max-age='5'", "max-age=\"5\"x"}) {
    const auto c = parse({line});
    EXPECT_TRUE(c.max_age.is_present()) << line;
    EXPECT_FALSE(c.max_age.is_valid()) << line;
    EXPECT_EQ(c.max_age.seconds, 0U) << line;
  }
}

TEST(CacheControl, RestrictingDirectivesCountWhateverFollowsThem) {
  for (const char* line : {"no-store", "no-store=x", "no-store=\"\"", "no-store;max-age=5",
                           "no-store max-age=5", "a\", no-store", "a=\"b, no-store"})
    EXPECT_TRUE(parse({line}).no_store) << line;
  EXPECT_TRUE(parse({"private;x"}).is_private.is_whole());
  EXPECT_TRUE(parse({"no-cache x"}).no_cache.is_whole());
  EXPECT_TRUE(parse({"must-revalidate=1"}).must_revalidate);
  EXPECT_TRUE(parse({"proxy-revalidate=1"}).proxy_revalidate);
}

TEST(CacheControl, PermittingDirectivesCountOnlyAsDefined) {
  const auto bare = parse({"public, immutable, must-understand, only-if-cached"});
  EXPECT_TRUE(bare.is_public && bare.immutable && bare.must_understand && bare.only_if_cached);
  const auto other = parse({"public=1, immutable;x, must-understand=\"\", only-if-cached y"});
  EXPECT_FALSE(other.is_public || other.immutable || other.must_understand || other.only_if_cached);
}

TEST(CacheControl, Rfc9111_5_2_2_4_NoCacheMayNameFieldsInBothForms) {
  const auto c = parse({"no-cache=\"Set-Cookie, X-Mine\", no-cache=x-token"});
  EXPECT_TRUE(c.no_cache.is_present());
  EXPECT_FALSE(c.no_cache.is_whole());
  for (const char* name : {"set-cookie", "X-MINE", "x-token"})
    EXPECT_TRUE(c.no_cache.names(name)) << name;
  EXPECT_FALSE(c.no_cache.names("x-other"));
  EXPECT_FALSE(c.no_cache.names(""));
}

TEST(CacheControl, Rfc9111_5_2_2_4_AListThatCannotBeReadMeansTheWholeResponse) {
  for (const char* line :
       {"no-cache=\"\"", "no-cache=", "no-cache=\" , \"", "no-cache=\"a b\"", "no-cache=\"a\\b\"",
        "no-cache=\"a", "no-cache=\"a\", no-cache", "no-cache, no-cache=\"a\"",
        "no-cache=a,no-cache=b,no-cache=c,no-cache=d,no-cache=e"})
    EXPECT_TRUE(parse({line}).no_cache.is_whole()) << line;
}

TEST(CacheControl, Rfc9111_5_2_2_7_PrivateMayNameFields) {
  const auto c = parse({"private=\"x-user\""});
  EXPECT_TRUE(c.is_private.is_present());
  EXPECT_FALSE(c.is_private.is_whole());
  EXPECT_TRUE(c.is_private.names("X-User"));
  EXPECT_TRUE(parse({"private"}).is_private.is_whole());
}

TEST(CacheControl, Rfc9111_5_2_1_2_MaxStaleWithoutANumberIsAnyStaleness) {
  EXPECT_TRUE(parse({"max-stale"}).max_stale_any);
  EXPECT_FALSE(parse({"max-stale=5"}).max_stale_any);
  EXPECT_EQ(parse({"max-stale=5"}).max_stale.seconds, 5U);
  EXPECT_FALSE(parse({"max-stale=x"}).max_stale.is_valid());
  EXPECT_FALSE(parse({"max-stale x"}).max_stale_any);
}

TEST(CacheControl, Rfc5861_StaleDirectivesAreRead) {
  const auto c = parse({"stale-while-revalidate=30, stale-if-error=60"});
  EXPECT_EQ(c.stale_while_revalidate.seconds, 30U);
  EXPECT_EQ(c.stale_if_error.seconds, 60U);
}

TEST(CacheControl, DirectivesAreWalkedInOrderWithWhatIsJunk) {
  EXPECT_EQ(walk("a, b=1 , c=\"x,y\" ,d e,=f,\"g\", h=\"i"), "a;b=1;c=x,y;d!;h=!;");
}

}  // namespace
}  // namespace headgate::wire::http
