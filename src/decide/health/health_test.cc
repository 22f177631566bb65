#include <gtest/gtest.h>

#include <string>

#include "decide/health/active_check.h"
#include "decide/health/outlier.h"

namespace headgate::decide::health {
namespace {

constexpr Instant at(std::int64_t seconds) { return {seconds * 1'000'000'000}; }

TEST(ActiveCheck, ThresholdsCountResultsInARow) {
  const model::HealthCheck check;  // healthy 2, unhealthy 3
  CheckState state;
  std::string health;
  for (const char passed : std::string("1001000101100011")) {
    state = on_check(state, passed == '1', check).next;
    health += state.healthy ? '1' : '0';
  }
  EXPECT_EQ(health, "1111110000111001");
}

TEST(ActiveCheck, AChangeIsToldOnce) {
  const model::HealthCheck check;
  CheckState state = on_check({}, true, check).next;
  int changes = 0;
  for (int i = 0; i < 10; ++i) {
    const Checked checked = on_check(state, false, check);
    state = checked.next, changes += checked.changed;
  }
  EXPECT_EQ(changes, 1);
  EXPECT_FALSE(state.healthy);
}

TEST(ActiveCheck, TheFirstResultOfANewEndpointDecidesAlone) {
  const model::HealthCheck check;
  EXPECT_TRUE(CheckState{}.healthy);
  EXPECT_FALSE(on_check({}, false, check).next.healthy);
  const Checked passed = on_check({}, true, check);
  EXPECT_TRUE(passed.next.healthy);
  EXPECT_FALSE(passed.changed);
  EXPECT_TRUE(on_check(passed.next, false, check).next.healthy);
}

TEST(ActiveCheck, IntervalsAreSpread) {
  const model::HealthCheck check;  // 5 s
  Prng prng(1);
  for (int i = 0; i < 1000; ++i) {
    const Duration next = next_check_in(check, false, prng),
                   first = next_check_in(check, true, prng);
    ASSERT_TRUE(next >= 4500ms && next <= 5500ms && first >= 0s && first <= 5s);
  }
}

TEST(ActiveCheck, TheRangeOfStatusesIncludesItsEnds) {
  const model::HealthCheck check;
  EXPECT_TRUE(status_passes(check, 200) && status_passes(check, 399));
  EXPECT_FALSE(status_passes(check, 199) || status_passes(check, 400));
}

Judged fail_times(OutlierState state, int times, SetHealth set, Instant now) {
  Judged judged{state, false};
  for (int i = 0; i < times; ++i) judged = on_result(judged.next, true, set, {}, now);
  return judged;
}

TEST(Outlier, ErrorsInARowEjectAndASuccessStartsTheCountAnew) {
  const SetHealth set{10, 0};
  const Judged four = fail_times({}, 4, set, at(0));
  EXPECT_FALSE(four.next.ejected);
  const Judged reset = on_result(four.next, false, set, {}, at(0));
  EXPECT_FALSE(fail_times(reset.next, 4, set, at(0)).next.ejected);
  EXPECT_TRUE(fail_times(reset.next, 5, set, at(0)).ejected_now);
}

TEST(Outlier, EachEjectionIsLongerUpToTheMaximumAndGoodTimesAreForgiven) {
  const SetHealth set{10, 0};
  OutlierState state;
  Instant now = at(100);
  for (const int seconds : {30, 60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300}) {
    state = fail_times(state, 5, set, now).next;
    ASSERT_TRUE(state.ejected);
    EXPECT_EQ(state.changed_at - now, std::chrono::seconds(seconds));
    EXPECT_FALSE(return_if_due(state, state.changed_at - 1ns));
    now = state.changed_at;
    EXPECT_TRUE(return_if_due(state, now));
  }
  state = fail_times(state, 5, set, now + 3600s).next;
  EXPECT_EQ(state.changed_at - (now + 3600s), Duration(30s));
}

TEST(Outlier, AnEndpointThatMayNotGoGoesAtItsNextErrorOnceThereIsRoom) {
  const Judged waiting = fail_times({}, 50, {2, 1}, at(0));
  EXPECT_FALSE(waiting.next.ejected);
  EXPECT_TRUE(fail_times(waiting.next, 1, {2, 0}, at(0)).ejected_now);
}

TEST(Outlier, HowManyMayGoIsBoundedAndNeverAll) {
  for (std::uint32_t percent : {0U, 10U, 50U, 100U})
    for (std::uint32_t endpoints = 0; endpoints < 30; ++endpoints) {
      model::OutlierDetection settings;
      settings.ejected_percent_max = percent;
      SetHealth set{endpoints, 0};
      while (may_eject(set, settings)) ++set.ejected;
      EXPECT_LE(set.ejected * 100, endpoints * percent);
      EXPECT_TRUE(endpoints == 0 || set.ejected < endpoints);
      if (percent == 100 && endpoints > 0) {
        EXPECT_EQ(set.ejected, endpoints - 1);
      }
    }
}

TEST(Outlier, NothingHappensWhenItIsOffOrTheEndpointIsOutAlready) {
  model::OutlierDetection off;
  off.enabled = false;
  EXPECT_EQ(on_result({}, true, {10, 0}, off, at(0)).next.errors_in_a_row, 0U);
  OutlierState out = fail_times({}, 5, {10, 0}, at(0)).next;
  EXPECT_FALSE(fail_times(out, 20, {10, 0}, at(1)).ejected_now);
}

}  // namespace
}  // namespace headgate::decide::health
