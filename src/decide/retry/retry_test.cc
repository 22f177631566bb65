#include "decide/retry/retry.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <vector>

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

model::UpstreamLimits limits_of(std::uint32_t percent, std::uint32_t least) {
  model::UpstreamLimits limits;
  limits.retry_budget_percent = percent;
  limits.retries_min = least;
  return limits;
}

// How many of `live` exchanges may be in retries at once.
std::uint64_t retries_at_most(std::uint64_t live, const model::UpstreamLimits& limits) {
  return std::max<std::uint64_t>(live * limits.retry_budget_percent / 100, limits.retries_min);
}

TEST(RetryBudget, OneMoreIsAllowedExactlyWhileItFitsTheShareOrTheMinimum) {
  for (const std::uint32_t percent : {0U, 1U, 20U, 33U, 100U})
    for (const std::uint32_t least : {0U, 3U, 1000U})
      for (std::uint64_t live = 0; live <= 250; ++live)
        for (std::uint64_t others = 0; others <= live + 4; ++others) {
          const bool fits = (others + 1) * 100 <= live * percent || others + 1 <= least;
          ASSERT_EQ(allows_retry({live, others}, limits_of(percent, least)), fits)
              << others << " of " << live << ", " << percent << " %, at least " << least;
        }
}

// A number of clients, each with one request under way all the time, before an origin that takes a
// millisecond for each attempt and fails every one until it is mended.
class FailingOrigin {
 public:
  FailingOrigin(std::size_t clients, model::UpstreamLimits limits, std::uint64_t seed)
      : limits_(limits), prng_(seed), clients_(clients) {
    policy_.attempts_max = 10;
    policy_.on_statuses = {503};
    policy_.backoff_base = Duration::zero();
    for (Client& client : clients_)  // out of step
      client.ends = Instant{static_cast<std::int64_t>(prng_.below(kAttempt.count()))};
  }

  void run(Duration span) {
    attempts = retries = holders_most = refused = 0;
    for (const Instant end = now_ + span;;) {
      Client& next = *std::min_element(clients_.begin(), clients_.end(),
                                       [](auto& a, auto& b) { return a.ends < b.ends; });
      if (next.ends >= end) {
        now_ = end;
        return;
      }
      now_ = next.ends;
      finish(next);
    }
  }

  bool mended = false;
  std::uint64_t attempts = 0, retries = 0, holders = 0, holders_most = 0, refused = 0;  // of a run
  static constexpr Duration kAttempt = 1ms;

 private:
  struct Client {
    Instant ends;
    std::uint32_t retries_done = 0;
  };

  void finish(Client& client) {
    ++attempts;
    if (mended || !tried_again(client)) {
      if (client.retries_done > 0) --holders;
      client.retries_done = 0;
    }
    client.ends = now_ + kAttempt;
  }

  bool tried_again(Client& client) {
    Attempt failure = failed(Method::kGet, Outcome::kStatus);
    failure.retries_done = client.retries_done;
    const std::uint64_t others = holders - (client.retries_done > 0 ? 1 : 0);
    const bool allowed = allows_retry({clients_.size(), others}, limits_);
    const Decision decision = decide(failure, policy_, allowed, prng_);
    if (decision.reason == Reason::kBudgetUsed) ++refused;
    if (decision.verdict != Verdict::kRetryOther) return false;
    ++retries;
    if (client.retries_done++ == 0) holders_most = std::max(holders_most, ++holders);
    return true;
  }

  model::UpstreamLimits limits_;
  model::RetryPolicy policy_;
  Prng prng_;
  Instant now_{0};
  std::vector<Client> clients_;
};

// While the load is constant, retries are the same share of attempts in time as they are at any
// moment. Those that are under way at the ends of a run count for one.
TEST(RetryBudget, AnOriginThatAlwaysFailsGetsTheShareOfItsAttemptsAsRetriesAndNeverMore) {
  std::uint64_t seed = 0;
  for (const std::size_t clients : {10U, 50U, 200U})
    for (const auto& limits : {limits_of(0, 0), limits_of(20, 0), limits_of(20, 3), limits_of(0, 3),
                               limits_of(50, 1), limits_of(100, 0)}) {
      FailingOrigin origin(clients, limits, ++seed);
      origin.run(200ms);
      const std::uint64_t most = retries_at_most(clients, limits);
      EXPECT_EQ(origin.holders_most, most);
      EXPECT_LE((origin.retries - std::min(origin.retries, most)) * clients,
                most * origin.attempts);
      // An exchange in eleven attempts leaves its place for a moment when all are used.
      EXPECT_GE(origin.retries * clients * 11, most * origin.attempts * 9);
      EXPECT_EQ(origin.refused > 0, most < clients);
    }
}

TEST(RetryBudget, IsWholeAgainOnceTheOriginIs) {
  const auto limits = limits_of(20, 3);
  FailingOrigin origin(100, limits, 7);
  for (int outage = 0; outage < 3; ++outage) {
    origin.mended = false;
    origin.run(500ms);
    EXPECT_EQ(origin.holders_most, 20U) << outage;
    origin.mended = true;
    origin.run(2 * FailingOrigin::kAttempt);
    EXPECT_EQ(origin.holders, 0U) << outage;
    origin.run(100ms);
    EXPECT_EQ(origin.retries, 0U) << outage;
  }
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

model::HedgePolicy hedging(Duration delay) {
  model::HedgePolicy policy;
  policy.enabled = true;
  policy.delay = delay;
  return policy;
}

// Over every combination. Safe methods are those of RFC 9110 §9.2.1: a second DELETE or PUT is
// harmless to the origin's state and yet another answer.
TEST(Hedge, StartsExactlyOnceTheDelayHasPassedForASafeRequestThatNothingAnswered) {
  constexpr std::array kSafe = {Method::kGet, Method::kHead, Method::kOptions, Method::kTrace};
  constexpr std::array kUnsafe = {Method::kPost,  Method::kPut,     Method::kDelete,
                                  Method::kPatch, Method::kConnect, Method::kOther};
  const auto check = [](Method method, bool safe) {
    for (int bits = 0; bits < 32; ++bits)
      for (const Duration waited :
           {Duration(0), 50ms - 1ns, Duration(50ms), 50ms + 1ns, Duration(1h)}) {
        model::HedgePolicy policy = hedging(50ms);
        policy.enabled = bits & 1;
        const bool budget = bits & 2;
        const HedgeState state{method, (bits & 4) != 0, (bits & 8) != 0, (bits & 16) != 0, waited};
        const bool may = policy.enabled && safe && state.body_replayable && !state.hedged &&
                         !state.response_began;
        const HedgeVerdict due = budget ? HedgeVerdict::kStart : HedgeVerdict::kNever;
        const HedgeVerdict expected = !may            ? HedgeVerdict::kNever
                                      : waited < 50ms ? HedgeVerdict::kWait
                                                      : due;
        ASSERT_EQ(hedge(state, policy, budget), expected) << bits << " after " << waited.count();
      }
  };
  for (const Method method : kSafe) check(method, true);
  for (const Method method : kUnsafe) check(method, false);
}

TEST(Hedge, TheBudgetBoundsHowManyOfTheSlowRequestsAreHedged) {
  for (const auto& limits : {limits_of(0, 0), limits_of(20, 3), limits_of(0, 7), limits_of(100, 0)})
    for (const std::uint64_t live : {1U, 4U, 50U, 99U}) {
      std::uint64_t hedged = 0;
      HedgeState state;
      state.waited = 1s;
      for (std::uint64_t n = 0; n < live; ++n)
        hedged +=
            hedge(state, hedging(1s), allows_retry({live, hedged}, limits)) == HedgeVerdict::kStart;
      EXPECT_EQ(hedged, std::min(live, retries_at_most(live, limits)));
    }
}

}  // namespace
}  // namespace headgate::decide::retry
