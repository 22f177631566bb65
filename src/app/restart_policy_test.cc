#include "app/restart_policy.h"

#include <gtest/gtest.h>

namespace headgate::app {
namespace {

TEST(RestartPolicy, RestartsAtOnceAfterAFirstDeath) {
  Prng prng(1);
  RestartPolicy policy;
  EXPECT_EQ(policy.after_death(1ms, prng), 0s);
}

TEST(RestartPolicy, WaitsLongerForOneThatKeepsDyingUpToALimit) {
  Prng prng(2);
  RestartPolicy policy;
  policy.after_death(1ms, prng);
  for (int death = 0; death < 100; ++death) {
    const Duration middle = std::min<Duration>(
        RestartPolicy::kFirstDelay * (1 << std::min(death, 7)), RestartPolicy::kDelayMax);
    const Duration delay = policy.after_death(1ms, prng);
    EXPECT_GE(delay, middle / 2) << death;
    EXPECT_LE(delay, middle * 3 / 2) << death;
  }
}

TEST(RestartPolicy, ForgetsEarlierDeathsOfOneThatLived) {
  Prng prng(3);
  RestartPolicy policy;
  for (int i = 0; i < 5; ++i) policy.after_death(1ms, prng);
  EXPECT_EQ(policy.after_death(RestartPolicy::kStable, prng), 0s);
}

TEST(RestartPolicy, DelaysOfDifferentEdgesDiffer) {
  Prng one(4), other(5);
  RestartPolicy a, b;
  a.after_death(1ms, one), b.after_death(1ms, other);
  EXPECT_NE(a.after_death(1ms, one), b.after_death(1ms, other));
}

}  // namespace
}  // namespace headgate::app
