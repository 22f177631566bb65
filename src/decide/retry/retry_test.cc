#include "decide/retry/retry.h"

#include <gtest/gtest.h>

#include <array>

namespace headgate::decide::retry {
namespace {

using wire::http::Method;

constexpr std::array kOutcomes = {Outcome::kConnectFailure, Outcome::kResetBeforeResponse,
                                  Outcome::kRefusedStream,  Outcome::kGoawayUnprocessed,
                                  Outcome::kStatus,         Outcome::kPerTryTimeout,
                                  Outcome::kRequestTimeout, Outcome::kResponseBroken};

model::RetryPolicy generous() {
  model::RetryPolicy policy;
  policy.on_statuses = {502, 503};
  policy.per_try_timeout = 1s;
  return policy;
}

Decision decided(const Attempt& attempt, bool budget = true,
                 const model::RetryPolicy& policy = generous()) {
  Prng prng(3);
  return decide(attempt, policy, budget, prng);
}

Attempt failed(Method method, Outcome outcome) {
  Attempt a;
  a.method = method;
  a.outcome = outcome;
  a.status = 503;
  a.request_bytes_written = outcome == Outcome::kConnectFailure ? 0 : 500;
  return a;
}

TEST(Retry, AnAmbiguousResetOfAPostIsNeverRepeated) {
  for (const bool reused : {false, true}) {
    Attempt a = failed(Method::kPost, Outcome::kResetBeforeResponse);
    a.connection_reused = reused;
    EXPECT_EQ(decided(a).verdict, Verdict::kGiveUp);
    EXPECT_EQ(decided(a).reason, Reason::kNotIdempotent);
  }
}

TEST(Retry, AKeptConnectionThatDiesIsRepeatedOnceOnAFreshOneAtOnce) {
  Attempt a = failed(Method::kGet, Outcome::kResetBeforeResponse);
  a.connection_reused = true;
  auto policy = generous();
  policy.attempts_max = 0;
  EXPECT_EQ(decided(a, false, policy).verdict, Verdict::kRetryFresh);
  EXPECT_EQ(decided(a, false, policy).backoff, Duration::zero());
  a.fresh_retry_done = true;
  EXPECT_EQ(decided(a, true, policy).verdict, Verdict::kGiveUp);
  EXPECT_EQ(decided(a).verdict, Verdict::kRetryOther);
}

TEST(Retry, APostOfWhichNothingWasWrittenIsRepeatedAfterAKeepAliveRace) {
  Attempt a = failed(Method::kPost, Outcome::kResetBeforeResponse);
  a.connection_reused = true;
  a.request_bytes_written = 0;
  a.body_replayable = false;  // none of it was sent, so none of it is missing
  EXPECT_EQ(decided(a).verdict, Verdict::kRetryFresh);
}

TEST(Retry, WhatTheOriginProvablyDidNotProcessIsRepeatedWhateverTheMethod) {
  EXPECT_EQ(decided(failed(Method::kPost, Outcome::kConnectFailure)).verdict, Verdict::kRetryOther);
  EXPECT_EQ(decided(failed(Method::kPost, Outcome::kRefusedStream)).verdict, Verdict::kRetryOther);
  EXPECT_EQ(decided(failed(Method::kPost, Outcome::kGoawayUnprocessed)).verdict,
            Verdict::kRetryFresh);
  EXPECT_EQ(decided(failed(Method::kPost, Outcome::kRefusedStream)).reason, Reason::kNotProcessed);
}

TEST(Retry, ABodyThatIsGoneEndsIt) {
  for (const Outcome outcome :
       {Outcome::kResetBeforeResponse, Outcome::kRefusedStream, Outcome::kStatus}) {
    Attempt a = failed(Method::kPut, outcome);
    a.body_replayable = false;
    EXPECT_EQ(decided(a).reason, Reason::kBodyGone);
  }
}

TEST(Retry, StatusesAreRepeatedWhenListedAndTheMethodIsIdempotent) {
  EXPECT_EQ(decided(failed(Method::kGet, Outcome::kStatus)).verdict, Verdict::kRetryOther);
  EXPECT_EQ(decided(failed(Method::kPost, Outcome::kStatus)).verdict, Verdict::kGiveUp);
  Attempt a = failed(Method::kGet, Outcome::kStatus);
  a.status = 500;
  EXPECT_EQ(decided(a).reason, Reason::kNotByPolicy);
}

TEST(Retry, AttemptsAndBudgetEndIt) {
  Attempt a = failed(Method::kGet, Outcome::kConnectFailure);
  EXPECT_EQ(decided(a, false).reason, Reason::kBudgetUsed);
  a.retries_done = 2;
  EXPECT_EQ(decided(a).reason, Reason::kAttemptsUsed);
}

TEST(Retry, ATimeoutOfATryIsRepeatedOnlyWhereThePolicySetsOne) {
  Attempt a = failed(Method::kGet, Outcome::kPerTryTimeout);
  EXPECT_EQ(decided(a).verdict, Verdict::kRetryOther);
  EXPECT_EQ(decided(a, true, model::RetryPolicy{}).verdict, Verdict::kGiveUp);
  EXPECT_EQ(decided(failed(Method::kPost, Outcome::kPerTryTimeout)).verdict, Verdict::kGiveUp);
}

// Over every combination: a request that may have been processed and is not idempotent is never
// sent twice.
TEST(Retry, NoCombinationSendsAProcessedNonIdempotentRequestTwice) {
  int retried = 0;
  for (const Outcome outcome : kOutcomes)
    for (int bits = 0; bits < 32; ++bits) {
      Attempt a = failed(bits & 1 ? Method::kPost : Method::kGet, outcome);
      a.connection_reused = bits & 2;
      a.fresh_retry_done = bits & 4;
      a.body_replayable = bits & 8;
      a.request_bytes_written = bits & 16 ? 100 : 0;
      const bool maybe_processed =
          outcome >= Outcome::kStatus ||
          (outcome == Outcome::kResetBeforeResponse && a.request_bytes_written > 0);
      const Verdict verdict = decided(a).verdict;
      if (verdict != Verdict::kGiveUp) ++retried;
      if (maybe_processed && a.method == Method::kPost) {
        EXPECT_EQ(verdict, Verdict::kGiveUp);
      }
      if (a.request_bytes_written > 0 && !a.body_replayable) {
        EXPECT_EQ(verdict, Verdict::kGiveUp);
      }
      if (outcome >= Outcome::kRequestTimeout) {
        EXPECT_EQ(verdict, Verdict::kGiveUp);
      }
    }
  EXPECT_GT(retried, 50);
}

TEST(RetryBudget, AllowsAShareOfLiveRequestsButAlwaysTheMinimum) {
  const model::UpstreamLimits limits;  // 20 %, 3
  EXPECT_TRUE(allows_retry({1, 2}, limits));
  EXPECT_FALSE(allows_retry({1, 3}, limits));
  EXPECT_TRUE(allows_retry({100, 19}, limits));
  EXPECT_FALSE(allows_retry({100, 20}, limits));
}

TEST(Backoff, GrowsTwofoldToItsCeilingAndUsesAllOfTheRange) {
  const model::RetryPolicy policy;  // 25 ms to 250 ms
  Prng prng(5);
  for (const auto& [retries, ceiling] :
       {std::pair{0U, 25ms}, {1U, 50ms}, {3U, 200ms}, {4U, 250ms}, {4000000000U, 250ms}}) {
    Duration lowest = 1h, highest = Duration::zero();
    for (int i = 0; i < 2000; ++i) {
      const Duration d = backoff(policy, retries, prng);
      lowest = std::min(lowest, d), highest = std::max(highest, d);
    }
    EXPECT_LT(highest, Duration(ceiling));
    EXPECT_GT(highest, Duration(ceiling) * 9 / 10);
    EXPECT_LT(lowest, Duration(ceiling) / 10);
  }
}

TEST(Hedge, StartsOnceAfterTheDelayForIdempotentRequestsWithinTheBudget) {
  model::HedgePolicy policy;
  policy.enabled = true;
  HedgeState state;
  state.waited = 49ms;
  EXPECT_EQ(hedge(state, policy, true), HedgeVerdict::kWait);
  state.waited = 50ms;
  EXPECT_EQ(hedge(state, policy, true), HedgeVerdict::kStart);
  EXPECT_EQ(hedge(state, policy, false), HedgeVerdict::kNever);
  HedgeState post = state, done = state, began = state, gone = state;
  post.method = Method::kPost, done.hedged = true, began.response_began = true,
  gone.body_replayable = false;
  for (const HedgeState& s : {post, done, began, gone})
    EXPECT_EQ(hedge(s, policy, true), HedgeVerdict::kNever);
  EXPECT_EQ(hedge(state, {}, true), HedgeVerdict::kNever);
}

}  // namespace
}  // namespace headgate::decide::retry
