#include "decide/cache/freshen.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

#include "decide/cache/exchange_for_test.h"
#include "decide/cache/freshness.h"

namespace headgate::decide::cache {
namespace {

using testing::at;
using testing::date;
using testing::FieldList;
using testing::fields;

std::string selected(std::vector<Candidate> candidates, FieldList update) {
  bool flags[8] = {true, true, true, true, true, true, true, true};
  const auto count =
      select_for_update(candidates, fields(update), std::span(flags, candidates.size()));
  std::string out;
  for (std::size_t i = 0; i < candidates.size(); ++i) out += flags[i] ? '1' : '0';
  EXPECT_EQ(count, static_cast<std::size_t>(std::count(out.begin(), out.end(), '1')));
  return out;
}

TEST(Freshen, rfc9111_4_3_4_a_strong_tag_selects_all_that_have_it_and_nothing_else) {
  const std::vector<Candidate> stored = {
      {{"\"a\"", ""}, 1}, {{"\"b\"", ""}, 2}, {{"\"a\"", ""}, 3}, {{"W/\"a\"", ""}, 4}};
  EXPECT_EQ(selected(stored, {{"etag", "\"a\""}}), "1010");
  EXPECT_EQ(selected(stored, {{"etag", "\"c\""}}), "0000");
  EXPECT_EQ(selected({{{"\"a\"", ""}, 1}}, {{"etag", "\"c\""}}), "0");
}

TEST(Freshen, rfc9111_4_3_4_a_weak_validator_selects_the_most_recent_that_has_it) {
  const std::string modified = date(-100);
  EXPECT_EQ(selected({{{"W/\"a\"", ""}, 5}, {{"\"a\"", ""}, 9}, {{"W/\"b\"", ""}, 10}},
                     {{"etag", "W/\"a\""}}),
            "010");
  EXPECT_EQ(selected({{{"", modified}, 5}, {{"", modified}, 4}, {{"", "x"}, 9}},
                     {{"last-modified", modified}}),
            "100");
}

TEST(Freshen, rfc9111_4_3_4_without_validators_the_only_candidate_is_meant) {
  EXPECT_EQ(selected({{{"\"a\"", ""}, 5}}, {}), "1");
  EXPECT_EQ(selected({{{"\"a\"", ""}, 5}, {{"\"b\"", ""}, 6}}, {}), "00");
  EXPECT_EQ(selected({}, {}), "");
}

Freshened update(const wire::http::Fields& stored, const wire::http::Fields& with,
                 const model::CachePolicy& policy = {}, FieldList request = {}) {
  const auto governing = governing_control(stored, policy);
  const auto record = describe(200, stored, governing, {at(0), at(0)}, 42);
  return freshen(record, stored, with, testing::facts(request, policy), policy, {at(100), at(100)});
}

std::string show(const wire::http::Fields& list) {
  std::string out;
  for (const auto& field : list) out.append(field.name).append("=").append(field.value).append("|");
  return out;
}

TEST(Freshen, rfc9111_3_2_new_fields_replace_all_lines_of_their_name) {
  const auto stored = fields({{"etag", "\"a\""},
                              {"X-Two", "1"},
                              {"x-two", "2"},
                              {"x-kept", "3"},
                              {"cache-control", "max-age=10"}});
  const auto with = fields({{"x-TWO", "9"}, {"x-new", "4"}, {"cache-control", "max-age=20"}});
  EXPECT_EQ(show(update(stored, with).fields),
            "etag=\"a\"|x-kept=3|x-TWO=9|x-new=4|cache-control=max-age=20|");
}

TEST(Freshen, Row20LengthCodingAndRangeOfTheContentAreNotUpdated) {
  const auto stored = fields({{"content-length", "42"},
                              {"content-encoding", "br"},
                              {"content-range", "bytes 0-1/42"},
                              {"content-type", "a/b"},
                              {"cache-control", "max-age=10"}});
  const auto with = fields({{"content-length", "0"},
                            {"content-encoding", "gzip"},
                            {"content-range", "bytes 0-1/3"},
                            {"content-type", "c/d"}});
  const auto result = update(stored, with);
  EXPECT_EQ(show(result.fields),
            "content-length=42|content-encoding=br|content-range=bytes "
            "0-1/42|cache-control=max-age=10|content-type=c/d|");
  EXPECT_EQ(result.record.complete_length, 42U);
  EXPECT_TRUE(result.record.has(model::kHasLength));
}

TEST(Freshen, rfc9111_3_1_fields_that_are_not_stored_do_not_come_in_by_an_update) {
  const auto stored = fields({{"etag", "\"a\""}, {"x-user", "1"}, {"cache-control", "max-age=10"}});
  const auto with = fields({{"connection", "x-hop"},
                            {"x-hop", "1"},
                            {"keep-alive", "5"},
                            {"set-cookie", "a=b"},
                            {"age", "7"},
                            {"cache-control", "max-age=5, no-cache=\"x-user\""}});
  const auto result = update(stored, with);
  EXPECT_EQ(show(result.fields), "etag=\"a\"|cache-control=max-age=5, no-cache=\"x-user\"|");
  EXPECT_EQ(result.keep, Reason::kStored);
  EXPECT_EQ(result.record.initial_age_ns, 7'000'000'000);
}

TEST(Freshen, rfc9111_4_3_4_the_freshened_response_is_as_old_as_the_304) {
  const std::string then = date(0), now = date(99);
  const auto stored = fields({{"date", then}, {"etag", "\"a\""}, {"cache-control", "max-age=10"}});
  const auto dated = update(stored, fields({{"date", now}}));
  EXPECT_EQ(dated.record.initial_age_ns, 1'000'000'000);
  EXPECT_EQ(dated.record.response_time_ns, at(100).ns);
  const auto undated = update(stored, fields({}));
  EXPECT_EQ(undated.record.initial_age_ns, 0);
  EXPECT_TRUE(freshness_of(undated.record, {}, at(105)).is_fresh());
  EXPECT_EQ(show(undated.fields), "etag=\"a\"|cache-control=max-age=10|");
}

TEST(Freshen, rfc9111_4_3_4_an_update_that_forbids_storing_ends_the_stored_response) {
  const auto stored = fields({{"etag", "\"a\""}, {"cache-control", "max-age=10"}});
  EXPECT_EQ(update(stored, fields({{"cache-control", "no-store"}})).keep, Reason::kResponseNoStore);
  EXPECT_EQ(update(stored, fields({{"cache-control", "private"}})).keep, Reason::kResponsePrivate);
  EXPECT_EQ(update(stored, fields({{"vary", "*"}})).keep, Reason::kVaryStar);
}

TEST(Freshen, rfc9111_5_2_1_5_a_request_with_no_store_neither_saves_nor_ends_it) {
  const auto stored = fields({{"etag", "\"a\""}, {"cache-control", "max-age=10"}});
  const auto result = update(stored, fields({}), {}, {{"cache-control", "no-store, no-cache"}});
  EXPECT_EQ(result.keep, Reason::kStored);
  EXPECT_FALSE(result.is_saved);
  EXPECT_TRUE(update(stored, fields({})).is_saved);
}

TEST(Freshen, AChangedVaryIsSaid) {
  const auto stored =
      fields({{"etag", "\"a\""}, {"cache-control", "max-age=10"}, {"vary", "Accept"}});
  EXPECT_FALSE(update(stored, fields({})).vary_changed);
  EXPECT_FALSE(update(stored, fields({{"vary", "accept"}})).vary_changed);
  EXPECT_TRUE(update(stored, fields({{"vary", "accept, cookie"}})).vary_changed);
}

HeadEffect head(FieldList response, std::optional<std::uint64_t> length, int status = 200) {
  const auto stored =
      fields({{"etag", "\"a\""}, {"last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"}});
  const auto record = describe(200, stored, governing_control(stored, {}), {at(0), at(0)}, 42);
  return effect_of_head(status, fields(response), length, record, stored);
}

TEST(Freshen, rfc9111_4_3_5_a_head_with_the_same_validators_and_length_freshens) {
  EXPECT_EQ(head({{"etag", "\"a\""}}, 42), HeadEffect::kFreshen);
  EXPECT_EQ(head({{"last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"}}, std::nullopt),
            HeadEffect::kFreshen);
  EXPECT_EQ(head({}, 42), HeadEffect::kFreshen);
}

TEST(Freshen, rfc9111_4_3_5_a_head_that_differs_outdates) {
  EXPECT_EQ(head({{"etag", "\"b\""}}, 42), HeadEffect::kOutdate);
  EXPECT_EQ(head({{"etag", "\"a\""}}, 43), HeadEffect::kOutdate);
  EXPECT_EQ(head({{"last-modified", "Tue, 14 Nov 2023 22:13:21 GMT"}}, 42), HeadEffect::kOutdate);
  EXPECT_EQ(head({{"etag", "\"b\""}}, 42, 404), HeadEffect::kNone);
}

}  // namespace
}  // namespace headgate::decide::cache
