#include "load/rush.h"

#include <gtest/gtest.h>

namespace headgate::bench {
namespace {

std::vector<Visit> visits_at(const std::vector<std::int64_t>& first_bytes) {
  std::vector<Visit> visits;
  for (const std::int64_t at : first_bytes) visits.push_back({at, at + 10, true});
  return visits;
}

TEST(Rush, ComparesTheOthersWithTheLeader) {
  const RushSummary got = summarise(visits_at({100, 105, 120, 110}));
  EXPECT_EQ(got.right, 4U);
  EXPECT_EQ(got.leader_first_byte_ns, 100);
  EXPECT_EQ(got.lag_p50_ns, 10);
  EXPECT_EQ(got.lag_max_ns, 20);
  EXPECT_EQ(got.last_complete_ns, 130);
}

TEST(Rush, NamesTheWaiterThatNinetyNineOfAHundredDoNotExceed) {
  std::vector<std::int64_t> at = {0};
  for (int i = 1; i <= 1000; ++i) at.push_back(i);
  EXPECT_EQ(summarise(visits_at(at)).lag_p99_ns, 990);
}

TEST(Rush, SaysThatAWaiterWasBeforeTheLeader) {
  EXPECT_EQ(summarise(visits_at({100, 60})).lag_max_ns, -40);
}

TEST(Rush, LeavesOutWhoGotNoRightAnswer) {
  auto visits = visits_at({100, 105, 5'000});
  visits.back().right = false;
  const RushSummary got = summarise(visits);
  EXPECT_EQ(got.right, 2U);
  EXPECT_EQ(got.lag_max_ns, 5);
}

TEST(Rush, HasALeaderAlone) { EXPECT_EQ(summarise(visits_at({7})).lag_p99_ns, 0); }

}  // namespace
}  // namespace headgate::bench
