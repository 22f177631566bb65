#include "wire/uri/query.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "wire/uri/percent.h"

namespace headgate::wire::uri {
namespace {

std::string listing(std::string_view query) {
  std::string out;
  QueryPairs pairs(query);
  for (QueryPair pair; pairs.next(pair);)
    out.append(pair.name).append("=").append(pair.value).append("|");
  return out;
}

TEST(Query, PairsAreGivenOutAsSent) {
  EXPECT_EQ(listing("a=1&b=2"), "a=1|b=2|");
  EXPECT_EQ(listing("&&a&b=&=c&d=e=f&"), "a=|b=|=c|d=e=f|");
  EXPECT_EQ(listing("a%26=%3d"), "a%26=%3d|");
  EXPECT_EQ(listing(""), "");
}

TEST(Query, PairsBeyondTheLimitAreNotLookedAt) {
  std::string query;
  for (std::uint32_t i = 0; i < kQueryPairsMax; ++i) query += "a&";
  EXPECT_TRUE(find_query_value(query + "", "a"));
  EXPECT_FALSE(find_query_value(query + "z=1", "z"));
  EXPECT_TRUE(find_query_value("z=1&" + query, "z"));
}

TEST(Query, ComparingDecodes) {
  EXPECT_TRUE(query_text_equals("a%20b+c", "a b c"));
  EXPECT_TRUE(query_text_equals("%61", "a"));
  EXPECT_TRUE(query_text_equals("100%", "100%"));
  EXPECT_TRUE(query_text_equals("%zz", "%zz"));
  EXPECT_TRUE(query_text_equals("", ""));
  EXPECT_FALSE(query_text_equals("a", "ab"));
  EXPECT_FALSE(query_text_equals("ab", "a"));
  EXPECT_FALSE(query_text_equals("A", "a"));
  EXPECT_EQ(find_query_value("x=1&n%61me=v%20&name=2", "name"), "v%20");
}

TEST(Query, AnEncodedTextEqualsItsPlainTextAndDecodesToIt) {
  Prng prng(5);
  for (int round = 0; round < 2000; ++round) {
    std::string plain, encoded, decoded, form;
    for (std::uint64_t n = prng.below(12); n > 0; --n) plain += static_cast<char>(prng.below(256));
    percent_encode(encoded, plain);
    ASSERT_TRUE(query_text_equals(encoded, plain));
    ASSERT_TRUE(percent_decode(decoded, encoded));
    ASSERT_EQ(decoded, plain);
    append_query_text(form, encoded);
    ASSERT_EQ(form, plain);
  }
}

TEST(Percent, AMalformedEscapeLeavesTheOutputAlone) {
  std::string out = "kept";
  for (const char* text : {"%", "a%4", "%g1", "%1g", "ab%"}) {
    EXPECT_FALSE(percent_decode(out, text)) << text;
    EXPECT_EQ(out, "kept");
  }
}

}  // namespace
}  // namespace headgate::wire::uri
