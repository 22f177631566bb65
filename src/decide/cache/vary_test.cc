#include "decide/cache/vary.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <vector>

#include "base/ascii.h"
#include "base/prng.h"
#include "decide/cache/exchange_for_test.h"
#include "decide/cache/normalise.h"

namespace headgate::decide::cache {
namespace {

using testing::FieldList;
using testing::fields;
using wire::http::Fields;

std::string key(std::string_view vary, FieldList request) {
  std::string out;
  append_variant_key(out, fields({{"vary", vary}}), fields(request));
  return out;
}

bool matches(std::string_view vary, FieldList first, FieldList second) {
  std::string scratch;
  return matches_variant(key(vary, first), fields(second), scratch);
}

TEST(Vary, rfc9111_4_1_all_named_fields_must_match) {
  EXPECT_TRUE(matches("x-a, x-b", {{"x-a", "1"}, {"x-b", "2"}}, {{"x-b", "2"}, {"X-A", "1"}}));
  EXPECT_FALSE(matches("x-a, x-b", {{"x-a", "1"}, {"x-b", "2"}}, {{"x-a", "1"}, {"x-b", "3"}}));
  EXPECT_TRUE(matches("x-a", {{"x-a", "1"}, {"x-c", "2"}}, {{"x-a", "1"}, {"x-c", "9"}}));
  EXPECT_FALSE(matches("X-A", {{"x-a", "1"}}, {{"x-a", "1 "}, {"x-a", "1"}}));
}

TEST(Vary, rfc9111_4_1_an_absent_field_matches_only_an_absent_one) {
  EXPECT_TRUE(matches("x-a", {}, {{"x-b", "1"}}));
  EXPECT_FALSE(matches("x-a", {}, {{"x-a", ""}}));
  EXPECT_FALSE(matches("x-a", {{"x-a", ""}}, {}));
  EXPECT_TRUE(matches("x-a", {{"x-a", ""}}, {{"x-a", ""}}));
}

TEST(Vary, rfc9111_4_1_without_vary_every_request_matches) {
  std::string scratch, out;
  append_variant_key(out, fields({}), fields({{"x-a", "1"}}));
  EXPECT_EQ(out, "");
  EXPECT_TRUE(matches_variant("", fields({{"x-a", "2"}}), scratch));
}

TEST(Vary, rfc9111_4_1_several_lines_are_one_list) {
  EXPECT_TRUE(matches("x-a", {{"x-a", "1"}, {"x-a", "2"}}, {{"x-a", "1, 2"}}));
  EXPECT_FALSE(matches("x-a", {{"x-a", "1"}, {"x-a", "2"}}, {{"x-a", "2"}, {"x-a", "1"}}));
  EXPECT_EQ(key("b, a", {{"a", "1"}}), key("A,B,,a", {{"a", "1"}}));
}

TEST(Vary, rfc9111_4_1_values_of_unknown_form_are_not_touched) {
  EXPECT_FALSE(matches("user-agent", {{"user-agent", "a (KHTML, like)"}},
                       {{"user-agent", "a (KHTML,like)"}}));
  EXPECT_FALSE(matches("x-a", {{"x-a", "A"}}, {{"x-a", "a"}}));
}

std::string encoding(std::string_view value) {
  std::string out;
  EXPECT_TRUE(append_normalised(out, fields({{"accept-encoding", value}}), "Accept-Encoding"));
  return out;
}

TEST(VaryNormalisation, rfc9110_12_5_3_accept_encoding_is_its_codings_by_preference) {
  EXPECT_EQ(encoding("gzip, deflate, br"), "br,deflate,gzip");
  EXPECT_EQ(encoding("BR;q=1.0,X-GZIP ;q=1,\tdeflate"), "br,deflate,gzip");
  EXPECT_EQ(encoding("gzip;q=0.5, br"), "br;gzip");
  EXPECT_EQ(encoding("gzip;q=0.1, br;q=0.9"), "br;gzip");
  EXPECT_EQ(encoding("gzip, br;q=0"), "gzip");
  EXPECT_EQ(encoding("gzip, br;q=0, *;q=0.5"), "gzip;*!br");
  EXPECT_EQ(encoding("gzip, identity;q=0"), "gzip!identity");
  EXPECT_EQ(encoding("*;q=0, identity;q=0"), "!*,identity");
  EXPECT_EQ(encoding("gzip;q=0.3, GZIP, br;q=0.5"), "br;gzip");
  EXPECT_EQ(encoding(""), "");
  EXPECT_EQ(encoding("gzip;q=0"), "");
  EXPECT_EQ(encoding("dcb, gzip"), "dcb,gzip");
}

TEST(VaryNormalisation, WhatCannotBeReadStaysApartAsItIs) {
  EXPECT_EQ(encoding("gzip;q=2"), "\x01gzip;q=2");
  EXPECT_EQ(encoding("gzip;level=1"), "\x01gzip;level=1");
  EXPECT_EQ(encoding("a b"),
            "\x01"
            "a b");
  std::string out;
  append_normalised(out, fields({{"accept-language", "de;q=x"}}), "accept-language");
  EXPECT_EQ(out,
            "\x01"
            "de;q=x");
}

TEST(VaryNormalisation, rfc9110_12_5_4_accept_language_loses_white_space_and_case) {
  const auto language = [](FieldList list) {
    std::string out;
    EXPECT_TRUE(append_normalised(out, fields(list), "accept-language"));
    return out;
  };
  EXPECT_EQ(language({{"accept-language", "de-CH , de ;q=0.90,EN; q=0.8"}}),
            "de-ch,de;q=900,en;q=800");
  EXPECT_EQ(language({{"accept-language", "de"}, {"accept-language", "en;q=1"}}), "de,en");
  EXPECT_NE(language({{"accept-language", "de, en"}}), language({{"accept-language", "en, de"}}));
}

TEST(VaryNormalisation, rfc9110_12_5_1_accept_keeps_parameters) {
  std::string out;
  append_normalised(out, fields({{"accept", "Text/HTML;Level=1;q=0.5 , */*"}}), "accept");
  EXPECT_EQ(out, "text/html;Level=1;q=500,*/*");
}

TEST(VaryNormalisation, AnAbsentFieldIsNotAnEmptyOne) {
  std::string out = "x";
  EXPECT_FALSE(append_normalised(out, fields({}), "accept-encoding"));
  EXPECT_EQ(out, "x");
}

TEST(Vary, rfc9111_4_1_the_most_recent_of_several_that_match_is_selected) {
  const std::string any, one = key("x-a", {{"x-a", "1"}}), two = key("x-a", {{"x-a", "2"}});
  const std::vector<Variant> variants = {{one, 10}, {any, 5}, {two, 30}, {one, 20}, {one, 20}};
  std::string scratch;
  EXPECT_EQ(select_variant(variants, fields({{"x-a", "1"}}), scratch), 3U);
  EXPECT_EQ(select_variant(variants, fields({{"x-a", "2"}}), scratch), 2U);
  EXPECT_EQ(select_variant(variants, fields({{"x-a", "3"}}), scratch), 1U);
  EXPECT_FALSE(select_variant({&variants[0], 1}, fields({}), scratch));
}

TEST(Vary, AKeyLikeAnotherIsTheKeyOfAResponseWithTheSameVary) {
  const std::string like = key("accept-encoding, x-a", {{"x-a", "1"}, {"accept-encoding", "br"}});
  std::string out;
  append_key_like(out, like, fields({{"accept-encoding", "zstd"}}));
  EXPECT_EQ(out, key("x-a, accept-encoding", {{"accept-encoding", "zstd"}}));
}

TEST(Vary, AKeyThatIsDamagedMatchesNothing) {
  const std::string whole = key("x-a", {{"x-a", "1"}});
  std::string scratch;
  for (std::size_t size = 1; size < whole.size(); ++size)
    EXPECT_FALSE(
        matches_variant(std::string_view(whole).substr(0, size), fields({{"x-a", "1"}}), scratch))
        << size;
}

// The slow and obvious model: a request selects a response when each named field has the same
// lines, or, for Accept-Encoding, the same wishes about every coding that either of them mentions.

using Plain = std::vector<std::pair<std::string, std::string>>;

Fields view(const Plain& plain) {
  Fields out;
  for (const auto& [name, value] : plain) out.push_back({name, value, wire::http::field_id(name)});
  return out;
}

std::optional<std::string> joined(const Plain& request, const std::string& name) {
  std::optional<std::string> out;
  for (const auto& [n, v] : request)
    if (n == name) out = out ? *out + ", " + v : v;
  return out;
}

// Weight of each coding in a text of "name;q=digit" pieces, as random_request writes it.
std::map<std::string, int> wishes(std::string text) {
  std::map<std::string, int> out;
  text += ',';
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t end = text.find(',', at);
    std::string piece = text.substr(at, end - at);
    at = end + 1;
    std::erase(piece, ' ');
    if (piece.empty()) continue;
    const std::size_t q = piece.find(";q=0.");
    const int weight = q == std::string::npos ? 10 : piece[q + 5] - '0';
    const std::string name = to_lower(piece.substr(0, q));
    out[name] = out.contains(name) ? std::min(out[name], weight) : weight;
  }
  return out;
}

// 0: refused. Without "*", what is not named is refused, but identity is the last resort.
int wish(const std::map<std::string, int>& all, const std::string& name) {
  if (all.contains(name)) return all.at(name);
  if (all.contains("*")) return all.at("*");
  return name == "identity" ? -1 : 0;
}

int sign(int x) { return (x > 0) - (x < 0); }

// The same codings are refused, and of any two the same one is wanted more. "*" is compared as what
// it says about a coding that nobody names.
bool same_wishes(const std::string& a, const std::string& b) {
  const auto first = wishes(a), second = wishes(b);
  std::vector<std::string> names = {"gzip", "br", "zstd", "identity", "unheard-of"};
  for (const auto& x : names) {
    if ((wish(first, x) == 0) != (wish(second, x) == 0)) return false;
    if ((wish(first, x) < 0) != (wish(second, x) < 0)) return false;
    for (const auto& y : names)
      if (sign(wish(first, x) - wish(first, y)) != sign(wish(second, x) - wish(second, y)))
        return false;
  }
  return true;
}

bool model_matches(const std::vector<std::string>& vary, const Plain& a, const Plain& b) {
  for (const auto& name : vary) {
    const auto x = joined(a, name), y = joined(b, name);
    if (x.has_value() != y.has_value()) return false;
    if (!x) continue;
    if (name == "accept-encoding" ? !same_wishes(*x, *y) : *x != *y) return false;
  }
  return true;
}

std::string random_codings(Prng& prng) {
  const char* names[] = {"gzip", "BR", "zstd", "identity", "*", "Gzip", "br"};
  std::string out;
  for (std::uint64_t i = 0, n = prng.below(4); i < n; ++i) {
    if (!out.empty()) out += prng.below(2) ? "," : " , ";
    out += names[prng.below(7)];
    if (prng.below(2)) out += (prng.below(2) ? ";q=0." : " ; q=0.") + std::to_string(prng.below(3));
  }
  return out;
}

Plain random_request(Prng& prng) {
  Plain out;
  for (const char* name : {"x-a", "x-b", "x-a"})
    if (prng.below(2)) out.emplace_back(name, std::to_string(prng.below(2)));
  if (prng.below(4)) out.emplace_back("accept-encoding", random_codings(prng));
  if (prng.below(6) == 0) out.emplace_back("accept-encoding", random_codings(prng));
  return out;
}

// Two texts of one meaning may be kept apart; two meanings may never be taken for one. For all
// fields but Accept-Encoding both directions hold.
TEST(VaryProperty, SelectionIsThatOfTheObviousModel) {
  Prng prng(41);
  std::string scratch;
  int together = 0, apart = 0;
  for (int run = 0; run < 30000; ++run) {
    std::vector<std::string> vary;
    std::string text;
    for (const char* name : {"x-a", "accept-encoding", "x-b"})
      if (prng.below(2)) {
        vary.emplace_back(name);
        text += (text.empty() ? "" : ", ") + std::string(name);
      }
    const Plain a = random_request(prng), b = random_request(prng);
    std::string made;
    append_variant_key(made, fields({{"vary", text}}), view(a));
    const bool is_match = matches_variant(made, view(b), scratch);
    const bool is_expected = model_matches(vary, a, b);
    if (is_match) {
      ASSERT_TRUE(is_expected) << run;
    } else if (std::find(vary.begin(), vary.end(), "accept-encoding") == vary.end()) {
      ASSERT_FALSE(is_expected) << run;
    }
    ASSERT_TRUE(matches_variant(made, view(a), scratch));
    (is_expected && is_match ? together : apart) += 1;
  }
  EXPECT_GT(together, 3000);
  EXPECT_GT(apart, 3000);
}

}  // namespace
}  // namespace headgate::decide::cache
