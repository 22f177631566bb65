#include "decide/cache/reuse.h"

#include <gtest/gtest.h>

#include "decide/cache/error.h"
#include "decide/cache/exchange_for_test.h"
#include "wire/http/structured_field.h"

namespace headgate::decide::cache {
namespace {

using model::CachePolicy;
using testing::at;
using testing::facts;
using testing::FieldList;
using testing::record;
using Forward = wire::http::CacheStatus::Forward;

// A response with `control`, asked for `seconds` after it came with `request` as Cache-Control.
Reuse ask(std::string_view control, double seconds, std::string_view request = "",
          const CachePolicy& policy = {}, Mark mark = {}) {
  const auto stored = record(200, {{"cache-control", control}, {"etag", "\"a\""}}, 0, policy);
  const auto asked =
      request.empty() ? facts({}, policy) : facts({{"cache-control", request}}, policy);
  return decide_reuse(stored, mark, asked, policy, at(seconds));
}

#define EXPECT_REUSE(reuse, wanted_use, wanted_reason)               \
  do {                                                               \
    const Reuse r_ = (reuse);                                        \
    EXPECT_EQ(r_.use, Use::wanted_use);                              \
    EXPECT_EQ(token_of(r_.reason), token_of(Reason::wanted_reason)); \
  } while (false)

TEST(Reuse, rfc9111_4_a_fresh_response_is_a_hit_with_its_age) {
  const Reuse reuse = ask("max-age=60", 20.5);
  EXPECT_REUSE(reuse, kHit, kFresh);
  EXPECT_EQ(reuse.forward, Forward::kNone);
  EXPECT_EQ(reuse.age_s, 20);
  EXPECT_EQ(reuse.ttl_s, 39);
}

TEST(Reuse, rfc9111_4_2_4_a_stale_response_is_validated) {
  const Reuse reuse = ask("max-age=60", 60);
  EXPECT_REUSE(reuse, kValidate, kExpired);
  EXPECT_EQ(reuse.forward, Forward::kStale);
  EXPECT_EQ(reuse.ttl_s, 0);
}

TEST(Reuse, rfc9111_5_2_2_4_no_cache_is_validated_each_time) {
  EXPECT_REUSE(ask("max-age=60, no-cache", 1), kValidate, kResponseNoCache);
  EXPECT_REUSE(ask("max-age=60, no-cache", 1, "max-stale"), kValidate, kResponseNoCache);
  EXPECT_REUSE(ask("max-age=60, no-cache=\"x-a\"", 1), kHit, kFresh);
}

TEST(Reuse, rfc9111_5_2_2_2_must_revalidate_allows_fresh_and_forbids_stale_reuse) {
  EXPECT_REUSE(ask("max-age=60, must-revalidate", 1), kHit, kFresh);
  EXPECT_REUSE(ask("max-age=60, must-revalidate", 61, "max-stale"), kValidate, kMustRevalidate);
  EXPECT_REUSE(ask("max-age=60, must-revalidate, stale-while-revalidate=60", 61), kValidate,
               kMustRevalidate);
}

TEST(Reuse, rfc9111_5_2_2_8_proxy_revalidate_forbids_stale_reuse) {
  EXPECT_REUSE(ask("max-age=60, proxy-revalidate", 1), kHit, kFresh);
  EXPECT_REUSE(ask("max-age=60, proxy-revalidate", 61, "max-stale"), kValidate, kMustRevalidate);
}

TEST(Reuse, rfc9111_5_2_2_10_s_maxage_forbids_stale_reuse_unless_the_policy_says_otherwise) {
  EXPECT_REUSE(ask("s-maxage=60, stale-while-revalidate=60", 61), kValidate, kMustRevalidate);
  CachePolicy policy;
  policy.ttl.stale_despite_s_maxage = true;
  EXPECT_REUSE(ask("s-maxage=60, stale-while-revalidate=60", 61, "", policy), kStaleWhileRevalidate,
               kStaleWhileRevalidate);
}

TEST(Reuse, rfc5861_3_stale_while_revalidate_serves_for_as_long_as_it_says) {
  EXPECT_REUSE(ask("max-age=60, stale-while-revalidate=30", 60), kStaleWhileRevalidate,
               kStaleWhileRevalidate);
  EXPECT_REUSE(ask("max-age=60, stale-while-revalidate=30", 89.9), kStaleWhileRevalidate,
               kStaleWhileRevalidate);
  EXPECT_REUSE(ask("max-age=60, stale-while-revalidate=30", 90), kValidate, kExpired);
  CachePolicy policy;
  policy.ttl.stale_while_revalidate = 30;
  EXPECT_REUSE(ask("max-age=60", 61, "", policy), kStaleWhileRevalidate, kStaleWhileRevalidate);
}

TEST(Reuse, rfc9111_5_2_1_1_max_age_of_the_request_bounds_age_and_refuses_stale) {
  EXPECT_REUSE(ask("max-age=60", 20, "max-age=20"), kHit, kFresh);
  EXPECT_REUSE(ask("max-age=60", 20.1, "max-age=20"), kValidate, kRequestMaxAge);
  EXPECT_EQ(ask("max-age=60", 21, "max-age=20").forward, Forward::kRequest);
  EXPECT_REUSE(ask("max-age=60, stale-while-revalidate=30", 61, "max-age=100"), kValidate,
               kRequestMaxAge);
  EXPECT_REUSE(ask("max-age=60", 20, "max-age=x"), kHit, kFresh);
}

TEST(Reuse, rfc9111_5_2_1_2_max_stale_accepts_so_much_staleness) {
  EXPECT_REUSE(ask("max-age=60", 70, "max-stale=10"), kHit, kMaxStale);
  EXPECT_REUSE(ask("max-age=60", 70.1, "max-stale=10"), kValidate, kExpired);
  EXPECT_REUSE(ask("max-age=60", 9000, "max-stale"), kHit, kMaxStale);
  EXPECT_REUSE(ask("max-age=60", 70, "max-stale=x"), kValidate, kExpired);
  EXPECT_EQ(ask("max-age=60", 70, "max-stale=10").ttl_s, -10);
}

TEST(Reuse, rfc9111_5_2_1_3_min_fresh_asks_for_what_stays_fresh) {
  EXPECT_REUSE(ask("max-age=60", 50, "min-fresh=10"), kHit, kFresh);
  EXPECT_REUSE(ask("max-age=60", 50.1, "min-fresh=10"), kValidate, kRequestMinFresh);
}

TEST(Reuse, rfc9111_5_2_1_4_no_cache_of_the_request_validates) {
  EXPECT_REUSE(ask("max-age=60", 1, "no-cache"), kValidate, kRequestNoCache);
  EXPECT_EQ(ask("max-age=60", 1, "no-cache").forward, Forward::kRequest);
}

TEST(Reuse, rfc9111_5_4_pragma_counts_only_without_cache_control) {
  const auto stored = record(200, {{"cache-control", "max-age=60"}});
  EXPECT_REUSE(decide_reuse(stored, {}, facts({{"pragma", "x, No-Cache"}}), {}, at(1)), kValidate,
               kRequestPragma);
  EXPECT_REUSE(
      decide_reuse(stored, {}, facts({{"pragma", "no-cache"}, {"cache-control", "x"}}), {}, at(1)),
      kHit, kFresh);
}

TEST(Reuse, rfc9111_5_2_1_7_only_if_cached_gets_what_is_stored_or_504) {
  EXPECT_REUSE(ask("max-age=60", 1, "only-if-cached"), kHit, kFresh);
  EXPECT_REUSE(ask("max-age=60", 61, "only-if-cached"), kGatewayTimeout, kExpired);
  EXPECT_REUSE(ask("max-age=60", 61, "only-if-cached, max-stale"), kHit, kMaxStale);
  EXPECT_REUSE(decide_miss(facts({{"cache-control", "only-if-cached"}}), false), kGatewayTimeout,
               kNotStored);
  EXPECT_EQ(ask("max-age=60", 61, "only-if-cached").forward, Forward::kNone);
}

TEST(Reuse, rfc8246_2_immutable_outweighs_a_reload_while_it_is_fresh) {
  EXPECT_REUSE(ask("max-age=60, immutable", 30, "max-age=0"), kHit, kFresh);
  EXPECT_REUSE(ask("max-age=60, immutable", 61, "max-age=0"), kValidate, kRequestMaxAge);
  EXPECT_REUSE(ask("max-age=60, immutable", 30, "no-cache"), kValidate, kRequestNoCache);
}

TEST(Reuse, RequestDirectivesCountOnlyWhenThePolicyHonoursThem) {
  CachePolicy policy;
  policy.honour_request_directives = false;
  for (const char* request : {"no-cache", "max-age=0", "min-fresh=100", "only-if-cached"})
    EXPECT_REUSE(ask("max-age=60", 1, request, policy), kHit, kFresh);
  EXPECT_REUSE(ask("max-age=60", 61, "max-stale", policy), kValidate, kExpired);
}

TEST(Reuse, rfc9111_4_4_what_was_invalidated_is_validated) {
  const Mark mark{Mark::Kind::kInvalid, at(0)};
  EXPECT_REUSE(ask("max-age=60", 1, "", {}, mark), kValidate, kInvalidated);
  EXPECT_REUSE(ask("max-age=60", 1, "max-stale", {}, mark), kValidate, kInvalidated);
}

TEST(Reuse, ASoftPurgeMakesItStaleFromThenOn) {
  const Mark mark{Mark::Kind::kStale, at(10)};
  EXPECT_REUSE(ask("max-age=60", 11, "", {}, mark), kValidate, kExpired);
  EXPECT_REUSE(ask("max-age=60, stale-while-revalidate=5", 10, "", {}, mark), kStaleWhileRevalidate,
               kStaleWhileRevalidate);
  EXPECT_REUSE(ask("max-age=60, stale-while-revalidate=5", 15, "", {}, mark), kValidate, kExpired);
}

TEST(Reuse, Row28AResponseFromTheFutureIsValidated) {
  EXPECT_REUSE(ask("max-age=60", -60), kValidate, kClockSteppedBack);
  EXPECT_REUSE(ask("max-age=60", -1), kHit, kFresh);
}

TEST(Reuse, APolicyThatChangesCountsAtOnce) {
  CachePolicy shorter;
  shorter.ttl.seconds_max = 10;
  const auto stored = record(200, {{"cache-control", "max-age=60"}});
  EXPECT_REUSE(decide_reuse(stored, {}, facts(), {}, at(20)), kHit, kFresh);
  EXPECT_REUSE(decide_reuse(stored, {}, facts(), shorter, at(20)), kValidate, kExpired);
}

TEST(Reuse, rfc9211_2_2_misses_and_bypasses_say_why_they_forward) {
  EXPECT_EQ(decide_miss(facts(), false).forward, Forward::kUriMiss);
  EXPECT_EQ(decide_miss(facts(), true).forward, Forward::kVaryMiss);
  EXPECT_EQ(decide_bypass(Reason::kMethod).forward, Forward::kMethod);
  EXPECT_EQ(decide_bypass(Reason::kBypassCookie).forward, Forward::kBypass);
  EXPECT_REUSE(decide_miss(facts(), true), kFetch, kVariantNotStored);
}

std::string status_text(const Reuse& reuse) {
  std::string out;
  wire::http::append_cache_status(out, "headgate", status_of(reuse));
  return out;
}

TEST(Reuse, rfc9211_2_each_outcome_has_its_member_of_cache_status) {
  EXPECT_EQ(status_text(ask("max-age=60", 20)), "headgate; hit; ttl=40");
  EXPECT_EQ(status_text(ask("max-age=60", 70, "max-stale")),
            "headgate; hit; ttl=-10; detail=max-stale");
  EXPECT_EQ(status_text(ask("max-age=60, stale-while-revalidate=30", 70)),
            "headgate; hit; ttl=-10; detail=stale-while-revalidate");
  EXPECT_EQ(status_text(ask("max-age=60", 70)), "headgate; fwd=stale; ttl=-10");
  EXPECT_EQ(status_text(ask("max-age=60", 20, "no-cache")),
            "headgate; fwd=request; ttl=40; detail=request-no-cache");
  EXPECT_EQ(status_text(decide_miss(facts(), false)), "headgate; fwd=uri-miss");
  EXPECT_EQ(status_text(decide_miss(facts(), true)), "headgate; fwd=vary-miss");
  EXPECT_EQ(status_text(decide_bypass(Reason::kMethod)), "headgate; fwd=method");
  EXPECT_EQ(status_text(decide_bypass(Reason::kBypassCookie)),
            "headgate; fwd=bypass; detail=bypass-cookie");
  EXPECT_EQ(status_text(ask("max-age=60", 61, "only-if-cached")), "headgate; detail=expired");
}

std::optional<Reason> bypass(const wire::http::RequestHead& head, const CachePolicy& policy = {}) {
  return bypass_reason(head, read_request(head, policy), policy);
}

TEST(Bypass, rfc9110_9_2_3_only_get_and_head_are_answered_from_the_cache) {
  auto head = testing::get();
  EXPECT_FALSE(bypass(head));
  head.method = wire::http::Method::kHead;
  EXPECT_FALSE(bypass(head));
  for (const auto method : {wire::http::Method::kPost, wire::http::Method::kOptions,
                            wire::http::Method::kOther, wire::http::Method::kDelete}) {
    head.method = method;
    EXPECT_EQ(bypass(head), Reason::kMethod);
  }
}

TEST(Bypass, Row18AGetWithContentLeavesTheCacheOut) {
  auto head = testing::get();
  head.framing = {wire::http::Framing::Kind::kLength, 0, true};
  EXPECT_FALSE(bypass(head));
  head.framing.length = 1;
  EXPECT_EQ(bypass(head), Reason::kRequestContent);
  head.framing = {wire::http::Framing::Kind::kChunked};
  EXPECT_EQ(bypass(head), Reason::kRequestContent);
  head.framing = {wire::http::Framing::Kind::kStream};
  EXPECT_EQ(bypass(head), Reason::kRequestContent);
}

TEST(Bypass, AnUpgradeLeavesTheCacheOut) {
  auto head = testing::get();
  head.protocol = "websocket";
  EXPECT_EQ(bypass(head), Reason::kProtocolSwitch);
}

TEST(Bypass, ThePolicyNamesHeadersCookiesAndParameters) {
  CachePolicy policy;
  policy.bypass.headers = {{"x-debug", std::nullopt}, {"x-mode", "raw"}};
  policy.bypass.cookies = {"session"};
  policy.bypass.query = {"no cache"};
  EXPECT_EQ(bypass(testing::get({{"X-Debug", ""}}), policy), Reason::kBypassHeader);
  EXPECT_EQ(bypass(testing::get({{"x-mode", "raw"}}), policy), Reason::kBypassHeader);
  EXPECT_FALSE(bypass(testing::get({{"x-mode", "raws"}}), policy));
  EXPECT_EQ(bypass(testing::get({{"cookie", "a=1; session=2"}}), policy), Reason::kBypassCookie);
  EXPECT_FALSE(bypass(testing::get({{"cookie", "sessions=2"}}), policy));
  EXPECT_EQ(bypass(testing::get({}, "/?a=1&no%20cache=1"), policy), Reason::kBypassQuery);
  EXPECT_FALSE(bypass(testing::get({}, "/no%20cache"), policy));
}

ErrorUse fails(int status, std::string_view control, double seconds, std::string_view request = "",
               const CachePolicy& policy = {}, Mark mark = {}) {
  const auto stored = record(200, {{"cache-control", control}}, 0, policy);
  const auto asked =
      request.empty() ? facts({}, policy) : facts({{"cache-control", request}}, policy);
  return decide_error(status, stored, mark, asked, policy, at(seconds));
}

TEST(StaleIfError, rfc5861_4_an_error_is_covered_for_as_long_as_the_response_says) {
  for (const int status : {0, 500, 502, 503, 504})
    EXPECT_EQ(fails(status, "max-age=60, stale-if-error=30", 89), ErrorUse::kServeStale) << status;
  EXPECT_EQ(fails(503, "max-age=60, stale-if-error=30", 90), ErrorUse::kPassOn);
  for (const int status : {404, 501, 505, 429})
    EXPECT_EQ(fails(status, "max-age=60, stale-if-error=30", 70), ErrorUse::kPassOn) << status;
  EXPECT_EQ(fails(503, "max-age=60", 61), ErrorUse::kPassOn);
}

TEST(StaleIfError, rfc5861_4_the_request_and_the_policy_may_allow_it_too) {
  EXPECT_EQ(fails(503, "max-age=60", 70, "stale-if-error=20"), ErrorUse::kServeStale);
  EXPECT_EQ(fails(503, "max-age=60", 81, "stale-if-error=20"), ErrorUse::kPassOn);
  CachePolicy policy;
  policy.ttl.stale_if_error = 100;
  EXPECT_EQ(fails(0, "max-age=60", 70, "", policy), ErrorUse::kServeStale);
  EXPECT_EQ(fails(0, "max-age=60, stale-if-error=0", 70, "", policy), ErrorUse::kPassOn);
}

TEST(StaleIfError, rfc9111_5_2_2_2_out_of_reach_with_must_revalidate_is_504) {
  EXPECT_EQ(fails(0, "max-age=60, must-revalidate, stale-if-error=30", 70),
            ErrorUse::kGatewayTimeout);
  EXPECT_EQ(fails(503, "max-age=60, must-revalidate, stale-if-error=30", 70), ErrorUse::kPassOn);
  EXPECT_EQ(fails(0, "s-maxage=60, stale-if-error=30", 70), ErrorUse::kGatewayTimeout);
  EXPECT_EQ(fails(0, "no-cache, stale-if-error=30", 70), ErrorUse::kGatewayTimeout);
}

TEST(StaleIfError, WhatMayNotBeUsedWithoutValidationIsNot) {
  const CachePolicy policy;
  EXPECT_EQ(fails(503, "max-age=60, stale-if-error=30", 70, "no-cache"), ErrorUse::kPassOn);
  EXPECT_EQ(fails(503, "max-age=60, stale-if-error=30", 70, "", policy, {Mark::Kind::kInvalid, {}}),
            ErrorUse::kPassOn);
  EXPECT_EQ(fails(503, "max-age=60, stale-if-error=30", -70), ErrorUse::kPassOn);
  EXPECT_EQ(
      fails(503, "max-age=60, stale-if-error=30", 20, "", policy, {Mark::Kind::kStale, at(10)}),
      ErrorUse::kServeStale);
}

TEST(Reasons, EveryReasonHasATokenOfItsOwnAndARule) {
  for (int i = 0; i < static_cast<int>(Reason::kCount); ++i) {
    const auto reason = static_cast<Reason>(i);
    EXPECT_TRUE(wire::http::is_sf_token(token_of(reason))) << i;
    EXPECT_GT(rule_of(reason).size(), 20U) << i;
    for (int j = 0; j < i; ++j) EXPECT_NE(token_of(reason), token_of(static_cast<Reason>(j)));
  }
  EXPECT_EQ(token_of(Reason::kNotAdmitted), "not-admitted");
  EXPECT_EQ(token_of(Reason::kClockSteppedBack), "clock-stepped-back");
}

}  // namespace
}  // namespace headgate::decide::cache
