#include "decide/cache/storability.h"

#include <gtest/gtest.h>

#include "decide/cache/exchange_for_test.h"
#include "decide/cache/status.h"

namespace headgate::decide::cache {
namespace {

using model::CachePolicy;
using testing::FieldList;
using testing::stores;

const FieldList kFreshMinute = {{"cache-control", "max-age=60"}};

TEST(Storability, rfc9111_3_a_response_with_an_explicit_lifetime_is_stored) {
  EXPECT_EQ(stores(200, {{"cache-control", "max-age=60"}}), Reason::kStored);
  EXPECT_EQ(stores(200, {{"cache-control", "s-maxage=60"}}), Reason::kStored);
  EXPECT_EQ(stores(200, {{"expires", "Tue, 14 Nov 2023 22:14:20 GMT"}}), Reason::kStored);
  EXPECT_EQ(stores(302, {{"cache-control", "max-age=60"}}), Reason::kStored);
  EXPECT_EQ(stores(599, {{"cache-control", "max-age=60"}}), Reason::kStored);
}

TEST(Storability, rfc9111_3_a_status_that_may_be_cached_untold_is_enough) {
  const char* modified = "Mon, 13 Nov 2023 22:13:20 GMT";
  for (const int status : {200, 203, 204, 300, 301, 308, 404, 405, 410, 414, 501})
    EXPECT_EQ(stores(status, {{"last-modified", modified}}), Reason::kStored) << status;
  for (const int status : {201, 202, 302, 303, 307, 401, 403, 500, 502, 503})
    EXPECT_EQ(stores(status, {{"last-modified", modified}}), Reason::kNothingAllowsIt) << status;
  EXPECT_EQ(stores(403, {{"cache-control", "public"}, {"last-modified", modified}}),
            Reason::kStored);
}

TEST(Storability, rfc9111_3_interim_responses_and_304_are_not_stored) {
  EXPECT_EQ(stores(103, kFreshMinute), Reason::kInterim);
  EXPECT_EQ(stores(304, kFreshMinute), Reason::kNotModified);
}

TEST(Storability, rfc9111_3_only_answers_to_get_are_stored) {
  const auto response = testing::fields(kFreshMinute);
  const auto governing = governing_control(response, {});
  const auto made = describe(200, response, governing, {}, std::nullopt);
  for (const auto method : {wire::http::Method::kHead, wire::http::Method::kPost}) {
    RequestFacts request;
    request.method = method;
    EXPECT_EQ(may_store(request, response, governing, made, {}), Reason::kMethod);
  }
}

TEST(Storability, rfc9111_3_what_is_stale_at_once_and_cannot_be_validated_is_not_stored) {
  EXPECT_EQ(stores(200, {}), Reason::kNeverReusable);
  EXPECT_EQ(stores(200, {{"cache-control", "max-age=0"}}), Reason::kNeverReusable);
  EXPECT_EQ(stores(200, {{"cache-control", "no-cache"}}), Reason::kNeverReusable);
  EXPECT_EQ(stores(200, {{"cache-control", "max-age=60"}, {"age", "60"}}), Reason::kNeverReusable);
  EXPECT_EQ(stores(200, {{"cache-control", "no-cache"}, {"etag", "\"a\""}}), Reason::kStored);
  EXPECT_EQ(stores(200, {{"cache-control", "max-age=0"}, {"etag", "W/\"a\""}}), Reason::kStored);
  EXPECT_EQ(stores(200, {{"cache-control", "max-age=0, stale-while-revalidate=9"}}),
            Reason::kStored);
  EXPECT_EQ(stores(200, {{"cache-control", "s-maxage=0, stale-while-revalidate=9"}}),
            Reason::kNeverReusable);
}

TEST(Storability, rfc9111_5_2_2_5_no_store_forbids_storing) {
  EXPECT_EQ(stores(200, {{"cache-control", "max-age=60, no-store"}}), Reason::kResponseNoStore);
  EXPECT_EQ(stores(200, {{"cache-control", "max-age=60"}, {"cache-control", "No-Store"}}),
            Reason::kResponseNoStore);
}

TEST(Storability,
     rfc9111_5_2_1_5_no_store_of_the_request_forbids_storing_unless_policy_ignores_it) {
  EXPECT_EQ(stores(200, kFreshMinute, {{"cache-control", "no-store"}}), Reason::kRequestNoStore);
  CachePolicy policy;
  policy.honour_request_directives = false;
  EXPECT_EQ(stores(200, kFreshMinute, {{"cache-control", "no-store"}}, policy), Reason::kStored);
}

TEST(Storability, rfc9111_5_2_2_3_must_understand_outweighs_no_store_for_known_statuses) {
  const FieldList fields = {{"cache-control", "must-understand, no-store, max-age=60"}};
  EXPECT_EQ(stores(200, fields), Reason::kStored);
  EXPECT_EQ(stores(302, fields), Reason::kStored);
  EXPECT_EQ(stores(599, fields), Reason::kNotUnderstood);
  EXPECT_EQ(stores(299, {{"cache-control", "must-understand, max-age=60"}}),
            Reason::kNotUnderstood);
}

TEST(Storability, rfc9111_5_2_2_7_private_is_not_for_a_shared_cache) {
  EXPECT_EQ(stores(200, {{"cache-control", "private, max-age=60"}}), Reason::kResponsePrivate);
  EXPECT_EQ(stores(200, {{"cache-control", "private=\"x-a\", max-age=60"}}), Reason::kStored);
  EXPECT_EQ(stores(200, {{"cache-control", "private=\"x-a, vary\", max-age=60"}}),
            Reason::kResponsePrivate);
}

TEST(Storability, rfc9111_3_5_authorization_needs_a_directive_that_shares) {
  const FieldList request = {{"authorization", "Basic YTpi"}};
  EXPECT_EQ(stores(200, kFreshMinute, request), Reason::kAuthorization);
  EXPECT_EQ(stores(200, {{"expires", "Tue, 14 Nov 2023 22:14:20 GMT"}}, request),
            Reason::kAuthorization);
  for (const char* control : {"max-age=60, public", "s-maxage=60", "max-age=60, must-revalidate"})
    EXPECT_EQ(stores(200, {{"cache-control", control}}, request), Reason::kStored) << control;
  for (const char* control :
       {"max-age=60, proxy-revalidate", "s-maxage=x, max-age=60", "public=1, max-age=60"})
    EXPECT_EQ(stores(200, {{"cache-control", control}, {"etag", "\"a\""}}, request),
              Reason::kAuthorization)
        << control;
}

TEST(Storability, rfc9111_3_3_a_part_that_was_not_asked_for_is_not_stored) {
  EXPECT_EQ(stores(206, {{"cache-control", "max-age=60"},
                         {"content-range", "bytes 0-9/100"},
                         {"etag", "\"a\""}}),
            Reason::kPartialUnusable);
}

TEST(Storability, rfc9111_3_3_content_that_ended_early_is_dropped) {
  model::StoredResponse record;
  record.flags = model::kHasLength;
  record.complete_length = 100;
  EXPECT_EQ(may_keep(record, {100, true}, {}), Reason::kStored);
  EXPECT_EQ(may_keep(record, {99, true}, {}), Reason::kIncomplete);
  EXPECT_EQ(may_keep(record, {100, false}, {}), Reason::kIncomplete);
  record.flags = 0;
  EXPECT_EQ(may_keep(record, {7, true}, {}), Reason::kStored);
  EXPECT_EQ(may_keep(record, {7, false}, {}), Reason::kIncomplete);
}

TEST(Storability, AnObjectLargerThanThePolicyAllowsIsNotKept) {
  CachePolicy policy;
  policy.object_bytes_max = 50;
  const auto response = testing::fields(kFreshMinute);
  const auto governing = governing_control(response, policy);
  const auto made = describe(200, response, governing, {}, 51);
  EXPECT_EQ(may_store(testing::facts(), response, governing, made, policy), Reason::kTooLarge);
  EXPECT_EQ(may_keep({}, {51, true}, policy), Reason::kTooLarge);
  EXPECT_EQ(may_keep({}, {50, true}, policy), Reason::kStored);
}

TEST(Storability, rfc9111_7_3_set_cookie_is_refused_stripped_or_kept_by_policy) {
  const FieldList fields = {{"cache-control", "max-age=60"}, {"set-cookie", "a=b"}};
  CachePolicy policy;
  EXPECT_EQ(stores(200, fields, {}, policy), Reason::kSetCookie);
  policy.set_cookie = CachePolicy::SetCookie::kStrip;
  EXPECT_EQ(stores(200, fields, {}, policy), Reason::kStored);
  policy.set_cookie = CachePolicy::SetCookie::kKeep;
  EXPECT_EQ(stores(200, fields, {}, policy), Reason::kStored);
  EXPECT_EQ(
      stores(200, {{"cache-control", "max-age=60, no-cache=set-cookie"}, {"set-cookie", "a=b"}}),
      Reason::kStored);
}

TEST(Storability, rfc9111_4_1_vary_star_is_not_stored) {
  EXPECT_EQ(stores(200, {{"cache-control", "max-age=60"}, {"vary", "accept, *"}}),
            Reason::kVaryStar);
  EXPECT_EQ(stores(200, {{"cache-control", "max-age=60"}, {"vary", "a b"}}), Reason::kVaryStar);
  EXPECT_EQ(stores(200, {{"cache-control", "max-age=60"}, {"vary", "accept"}}), Reason::kStored);
}

TEST(Storability, Row18AnErrorThatOneClientCausesIsNotKeptForOthers) {
  for (const int status : {400, 408, 412, 413, 415, 416, 421, 429, 431})
    EXPECT_EQ(stores(status, kFreshMinute), Reason::kRequestFault) << status;
  CachePolicy policy;
  policy.ttl.by_status = {{429, 5}};
  EXPECT_EQ(stores(429, {}, {}, policy), Reason::kStored);
}

TEST(Storability, NegativeAnswersAreKeptAsThePolicySays) {
  CachePolicy policy;
  policy.ttl.by_status = {{503, 5}, {403, 10}};
  EXPECT_EQ(stores(503, {}, {}, policy), Reason::kStored);
  EXPECT_EQ(stores(403, {}, {}, policy), Reason::kStored);
  EXPECT_EQ(stores(500, {}, {}, policy), Reason::kNothingAllowsIt);
  EXPECT_EQ(stores(503, {{"cache-control", "no-store"}}, {}, policy), Reason::kResponseNoStore);
}

TEST(Storability, HeuristicsAreNotUsedForRequestsWithCookiesOutsideOfTheKey) {
  const FieldList response = {{"last-modified", "Mon, 13 Nov 2023 22:13:20 GMT"}};
  const FieldList request = {{"cookie", "session=1; lang=de"}};
  CachePolicy policy;
  EXPECT_EQ(stores(200, response, request, policy), Reason::kCookieHeuristic);
  EXPECT_EQ(stores(200, kFreshMinute, request, policy), Reason::kStored);
  policy.key.cookies = {"lang"};
  EXPECT_EQ(stores(200, response, request, policy), Reason::kCookieHeuristic);
  policy.key.cookies = {"lang", "session"};
  EXPECT_EQ(stores(200, response, request, policy), Reason::kStored);
  policy.key.cookies = {};
  policy.heuristics_with_cookies = true;
  EXPECT_EQ(stores(200, response, request, policy), Reason::kStored);
}

TEST(Storability, ThePolicyMayWaitForASecondRequest) {
  CachePolicy policy;
  EXPECT_TRUE(is_admitted(policy, 1));
  policy.admission = CachePolicy::Admission::kSecondRequest;
  EXPECT_FALSE(is_admitted(policy, 1));
  EXPECT_TRUE(is_admitted(policy, 2));
}

std::string kept(FieldList list, const CachePolicy& policy = {}) {
  const auto response = testing::fields(list);
  const auto governing = governing_control(response, policy);
  std::string out;
  for (const auto& field : response)
    if (is_stored_field(field, response, governing, policy)) out.append(field.name).append(" ");
  return out;
}

TEST(StoredFields, rfc9111_3_1_connection_fields_and_proxy_fields_are_not_stored) {
  EXPECT_EQ(kept({{"connection", "x-hop"},
                  {"x-hop", "1"},
                  {"keep-alive", "5"},
                  {"te", "x"},
                  {"transfer-encoding", "chunked"},
                  {"upgrade", "x"},
                  {"proxy-authenticate", "x"},
                  {"proxy-authentication-info", "x"},
                  {"trailer", "x"},
                  {"age", "5"},
                  {"etag", "\"a\""},
                  {"x-end", "1"},
                  {"cache-status", "up; hit"}}),
            "etag x-end cache-status ");
}

TEST(StoredFields, rfc9111_5_2_2_4_fields_that_no_cache_or_private_name_are_not_stored) {
  EXPECT_EQ(kept({{"cache-control", "no-cache=\"x-a\", private=X-B"},
                  {"x-a", "1"},
                  {"X-b", "1"},
                  {"x-c", "1"}}),
            "cache-control x-c ");
}

TEST(StoredFields, SetCookieIsStoredOnlyWhenThePolicyKeepsIt) {
  CachePolicy policy;
  EXPECT_EQ(kept({{"set-cookie", "a=b"}, {"Set-Cookie2", "a"}, {"x-a", "1"}}, policy), "x-a ");
  policy.set_cookie = CachePolicy::SetCookie::kKeep;
  EXPECT_EQ(kept({{"set-cookie", "a=b"}}, policy), "set-cookie ");
}

}  // namespace
}  // namespace headgate::decide::cache
