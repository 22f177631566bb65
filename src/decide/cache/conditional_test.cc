#include "decide/cache/conditional.h"

#include <gtest/gtest.h>

#include "decide/cache/answer.h"
#include "decide/cache/exchange_for_test.h"
#include "decide/cache/validation.h"

namespace headgate::decide::cache {
namespace {

using testing::date;
using testing::FieldList;
using testing::fields;
using wire::http::FieldId;

bool not_modified(FieldList stored, FieldList request, int status = 200) {
  const auto head = fields(stored);
  return is_not_modified(fields(request), testing::record(status, stored), validators_of(head).tag);
}

TEST(Conditional, rfc9110_13_1_2_if_none_match_compares_weakly) {
  EXPECT_TRUE(not_modified({{"etag", "\"a\""}}, {{"if-none-match", "\"b\", W/\"a\""}}));
  EXPECT_TRUE(not_modified({{"etag", "W/\"a\""}}, {{"if-none-match", "\"a\""}}));
  EXPECT_TRUE(
      not_modified({{"etag", "\"a\""}}, {{"if-none-match", "\"x\""}, {"if-none-match", "\"a\""}}));
  EXPECT_FALSE(not_modified({{"etag", "\"a\""}}, {{"if-none-match", "\"b\", a"}}));
  EXPECT_FALSE(not_modified({{"etag", "a"}}, {{"if-none-match", "a"}}));
  EXPECT_FALSE(not_modified({}, {{"if-none-match", "\"a\""}}));
}

TEST(Conditional, rfc9110_13_1_2_a_star_matches_whatever_is_stored) {
  EXPECT_TRUE(not_modified({}, {{"if-none-match", " * "}}));
  EXPECT_FALSE(not_modified({{"etag", "\"a\""}}, {{"if-none-match", "\"*\""}}));
}

TEST(Conditional, rfc9110_13_2_2_if_none_match_goes_before_if_modified_since) {
  const std::string modified = date(-100), later = date(0);
  EXPECT_FALSE(not_modified({{"etag", "\"a\""}, {"last-modified", modified}},
                            {{"if-none-match", "\"b\""}, {"if-modified-since", later}}));
  EXPECT_TRUE(not_modified({{"etag", "\"a\""}, {"last-modified", later}},
                           {{"if-none-match", "\"a\""}, {"if-modified-since", modified}}));
}

TEST(Conditional, rfc9110_13_1_3_if_modified_since_compares_dates) {
  const std::string before = date(-101), modified = date(-100), after = date(-99);
  const FieldList stored = {{"last-modified", modified}};
  EXPECT_FALSE(not_modified(stored, {{"if-modified-since", before}}));
  EXPECT_TRUE(not_modified(stored, {{"if-modified-since", modified}}));
  EXPECT_TRUE(not_modified(stored, {{"if-modified-since", after}}));
  EXPECT_FALSE(not_modified(stored, {{"if-modified-since", "yesterday"}}));
  EXPECT_FALSE(not_modified(stored, {{"if-modified-since", after}, {"if-modified-since", after}}));
}

TEST(Conditional, rfc9111_4_3_2_date_or_arrival_stand_in_for_last_modified) {
  const std::string made = date(-50), before = date(-51), arrival = date(0), earlier = date(-1);
  EXPECT_TRUE(not_modified({{"date", made}}, {{"if-modified-since", made}}));
  EXPECT_FALSE(not_modified({{"date", made}}, {{"if-modified-since", before}}));
  EXPECT_TRUE(not_modified({}, {{"if-modified-since", arrival}}));
  EXPECT_FALSE(not_modified({}, {{"if-modified-since", earlier}}));
}

TEST(Conditional, rfc9110_13_2_1_conditions_are_about_successful_responses) {
  const FieldList stored = {{"etag", "\"a\""}}, request = {{"if-none-match", "\"a\""}};
  for (const int status : {200, 203, 206}) EXPECT_TRUE(not_modified(stored, request, status));
  for (const int status : {301, 404, 503}) EXPECT_FALSE(not_modified(stored, request, status));
}

TEST(Conditional, rfc9110_13_1_1_if_match_and_if_unmodified_since_are_the_origins) {
  const std::string old = date(-1000);
  EXPECT_FALSE(
      not_modified({{"etag", "\"a\""}}, {{"if-match", "\"b\""}, {"if-unmodified-since", old}}));
  EXPECT_FALSE(is_replaced_by_cache(FieldId::kIfMatch));
  EXPECT_FALSE(is_replaced_by_cache(FieldId::kIfUnmodifiedSince));
}

bool range_allowed(FieldList stored, std::string_view if_range) {
  const auto head = fields(stored);
  return allows_range(fields({{"if-range", if_range}}), testing::record(200, stored),
                      validators_of(head).tag);
}

TEST(Conditional, rfc9110_13_1_5_if_range_wants_the_same_strong_tag) {
  EXPECT_TRUE(range_allowed({{"etag", "\"a\""}}, "\"a\""));
  EXPECT_FALSE(range_allowed({{"etag", "\"a\""}}, "\"b\""));
  EXPECT_FALSE(range_allowed({{"etag", "W/\"a\""}}, "W/\"a\""));
  EXPECT_FALSE(range_allowed({{"etag", "\"a\""}}, "W/\"a\""));
  EXPECT_FALSE(range_allowed({{"etag", "\"a\""}}, "a"));
  EXPECT_FALSE(range_allowed({{"etag", "\"a\""}}, ""));
  EXPECT_TRUE(allows_range({}, testing::record(200, {}), ""));
}

TEST(Conditional, rfc9110_13_1_5_if_range_with_a_date_wants_exactly_the_strong_date) {
  const std::string modified = date(-100), later = date(-99), made = date(-10);
  EXPECT_TRUE(range_allowed({{"last-modified", modified}, {"date", made}}, modified));
  EXPECT_FALSE(range_allowed({{"last-modified", modified}, {"date", made}}, later));
  EXPECT_FALSE(range_allowed({{"last-modified", modified}, {"date", modified}}, modified));
  EXPECT_FALSE(range_allowed({{"last-modified", modified}}, modified));
  EXPECT_FALSE(range_allowed({{"date", made}}, made));
}

TEST(Conditional, rfc9110_15_4_5_a_304_does_not_describe_content) {
  for (const auto id : {FieldId::kContentLength, FieldId::kContentType, FieldId::kContentEncoding})
    EXPECT_FALSE(is_sent_in_304({wire::http::name_of(id), "x", id}, true));
  for (const auto id : {FieldId::kCacheControl, FieldId::kContentLocation, FieldId::kDate,
                        FieldId::kEtag, FieldId::kExpires, FieldId::kVary, FieldId::kOther})
    EXPECT_TRUE(is_sent_in_304({wire::http::name_of(id), "x", id}, true));
  EXPECT_TRUE(is_sent_in_304({"last-modified", "x", FieldId::kLastModified}, false));
  EXPECT_FALSE(is_sent_in_304({"last-modified", "x", FieldId::kLastModified}, true));
  EXPECT_FALSE(is_sent_in_304({"Content-Language", "de"}, true));
}

TEST(Validation, rfc9111_4_3_1_the_conditions_are_the_stored_validators) {
  const auto stored =
      fields({{"etag", "W/\"a\""}, {"last-modified", "Tue, 14 Nov 2023 22:13:20 GMT"}});
  const Validators one = validators_of(stored);
  std::string storage;
  wire::http::Fields out;
  EXPECT_TRUE(append_conditions({&one, 1}, storage, out));
  ASSERT_EQ(out.size(), 2U);
  EXPECT_EQ(out[0].id, FieldId::kIfNoneMatch);
  EXPECT_EQ(out[0].value, "W/\"a\"");
  EXPECT_EQ(out[1].id, FieldId::kIfModifiedSince);
  EXPECT_EQ(out[1].value, "Tue, 14 Nov 2023 22:13:20 GMT");
}

TEST(Validation, rfc9111_4_3_1_several_stored_responses_are_asked_about_by_their_tags) {
  const Validators several[] = {{"\"a\"", "x"}, {"", "y"}, {"W/\"b\"", ""}};
  std::string storage;
  wire::http::Fields out;
  EXPECT_TRUE(append_conditions(several, storage, out));
  ASSERT_EQ(out.size(), 1U);
  EXPECT_EQ(out[0].value, "\"a\", W/\"b\"");
}

TEST(Validation, WithoutAValidatorThereIsNothingToAskAbout) {
  const auto stored = fields({{"etag", "a"}, {"last-modified", "0"}});
  const Validators one = validators_of(stored);
  EXPECT_TRUE(one.is_empty());
  std::string storage = "old";
  wire::http::Fields out;
  EXPECT_FALSE(append_conditions({&one, 1}, storage, out));
  EXPECT_TRUE(out.empty());
  EXPECT_FALSE(append_conditions({}, storage, out));
}

TEST(Validation, Row20AClientsConditionsAndRangesAreNotSentOnWithOurs) {
  for (const auto id :
       {FieldId::kIfNoneMatch, FieldId::kIfModifiedSince, FieldId::kRange, FieldId::kIfRange})
    EXPECT_TRUE(is_replaced_by_cache(id));
  EXPECT_FALSE(is_replaced_by_cache(FieldId::kAccept));
}

TEST(Validation, rfc9111_4_3_3_304_freshens_errors_fail_and_the_rest_replaces) {
  EXPECT_EQ(outcome_of(304), ValidationOutcome::kFreshen);
  for (const int status : {500, 502, 503, 504})
    EXPECT_EQ(outcome_of(status), ValidationOutcome::kFailed);
  for (const int status : {200, 206, 301, 404, 412, 501})
    EXPECT_EQ(outcome_of(status), ValidationOutcome::kReplace);
}

// A stored 200 of 1000 bytes with the tag "a".
Answer answer(FieldList request, wire::http::Method method = wire::http::Method::kGet) {
  auto stored = testing::record(200, {{"etag", "\"a\""}});
  stored.flags |= model::kHasLength;
  stored.complete_length = 1000;
  auto head = testing::get(request);
  head.method = method;
  return answer_from_store(head.fields, read_request(head, {}), stored, "\"a\"");
}

TEST(Answer, rfc9110_14_2_ranges_are_served_from_a_complete_object) {
  EXPECT_EQ(answer({}).status, 200);
  const auto one = answer({{"range", "bytes=10-19"}});
  EXPECT_EQ(one.status, 206);
  ASSERT_EQ(one.ranges.count, 1U);
  EXPECT_EQ(one.ranges[0], (wire::http::ByteRange{10, 19}));
  EXPECT_EQ(answer({{"range", "bytes=0-9,500-509"}}).ranges.count, 2U);
  EXPECT_EQ(answer({{"range", "lines=1-2"}}).status, 200);
  EXPECT_EQ(answer({{"range", "bytes=0-1"}, {"range", "bytes=0-1"}}).status, 200);
}

TEST(Answer, rfc9110_15_5_17_a_range_behind_the_end_is_416_without_the_content) {
  const auto out = answer({{"range", "bytes=1000-"}});
  EXPECT_EQ(out.status, 416);
  EXPECT_FALSE(out.has_content);
}

TEST(Answer, rfc9110_13_2_2_conditions_are_judged_before_the_range) {
  EXPECT_EQ(answer({{"range", "bytes=0-1"}, {"if-none-match", "\"a\""}}).status, 304);
  EXPECT_FALSE(answer({{"if-none-match", "\"a\""}}).has_content);
  EXPECT_EQ(answer({{"range", "bytes=0-1"}, {"if-range", "\"a\""}}).status, 206);
  EXPECT_EQ(answer({{"range", "bytes=0-1"}, {"if-range", "\"b\""}}).status, 200);
}

TEST(Answer, rfc9111_4_head_is_answered_from_a_stored_get_and_has_no_range) {
  const auto out = answer({{"range", "bytes=0-1"}}, wire::http::Method::kHead);
  EXPECT_EQ(out.status, 200);
  EXPECT_FALSE(out.has_content);
}

TEST(Answer, rfc9110_14_2_only_a_200_of_known_length_has_ranges) {
  const auto request = testing::get({{"range", "bytes=0-1"}});
  auto stored = testing::record(200, {});
  EXPECT_EQ(answer_from_store(request.fields, read_request(request, {}), stored, "").status, 200);
  stored.flags |= model::kHasLength;
  stored.complete_length = 10;
  stored.status = 404;
  EXPECT_EQ(answer_from_store(request.fields, read_request(request, {}), stored, "").status, 404);
  stored.status = 204;
  EXPECT_FALSE(
      answer_from_store(request.fields, read_request(request, {}), stored, "").has_content);
}

}  // namespace
}  // namespace headgate::decide::cache
