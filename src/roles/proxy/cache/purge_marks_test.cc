#include "roles/proxy/cache/purge_marks.h"

#include <gtest/gtest.h>

#include <map>

#include "base/hash.h"
#include "base/prng.h"
#include "roles/proxy/cache/soft_times.h"

namespace headgate::proxy {
namespace {

using Moments = PurgeMarks::Moments;

bool gone(const PurgeMarks& marks, Moment born, std::uint64_t label) {
  return marks.of_labels(born, {&label, 1}).gone;
}

// Every label has a set of its own, so nothing is forgotten, and the answer is exactly the model's.
TEST(PurgeMarks, AgreeWithAModelThatKeepsEverything) {
  Prng prng(5);
  PurgeMarks marks;
  std::map<std::uint64_t, Moments> model;
  Moments everything;
  Moment now = 1;
  for (int step = 0; step < 20'000; ++step) {
    const std::uint64_t label = prng.below(300);
    const Moments at = prng.below(2) ? Moments{++now, 0} : Moments{0, ++now};
    if (prng.below(500) == 0) {
      marks.add_everything(at);
      everything.raise_to(at);
    } else if (prng.below(2)) {
      marks.add_label(label, at);
      model[label].raise_to(at);
    }
    const std::uint64_t labels[] = {prng.below(300), prng.below(300)};
    const Moment born = prng.below(now + 1);
    auto expected = everything.of(born);
    for (const std::uint64_t one : labels) expected.add(model[one].of(born));
    const auto found = marks.of_labels(born, labels);
    ASSERT_EQ(found.gone, expected.gone);
    ASSERT_EQ(found.stale, expected.stale);
  }
}

TEST(PurgeMarks, WhatIsForgottenIsForgottenTowardsTooEarly) {
  PurgeMarks marks;
  constexpr Moment kLabels = 4 * PurgeMarks::kSets * PurgeMarks::kWays;
  for (Moment at = 1; at <= kLabels; ++at) marks.add_label(scramble64(at), {at, 0});
  std::size_t untouched = 0;
  for (Moment at = 1; at <= kLabels; ++at) {
    ASSERT_TRUE(gone(marks, at - 1, scramble64(at)));
    ASSERT_FALSE(gone(marks, kLabels, scramble64(at)));
    untouched += !gone(marks, kLabels - kLabels / 8, scramble64(kLabels + at));
  }
  EXPECT_GT(untouched, kLabels * 9 / 10) << "the latest purges hit nearly nothing else";
}

TEST(PurgeMarks, PrefixesAreComparedWithTheLocatorAndFoldIntoEverything) {
  PurgeMarks marks;
  marks.add_prefix("http://a/img/", {5, 0});
  EXPECT_TRUE(marks.of_locator(4, "http://a/img/1").gone);
  EXPECT_FALSE(marks.of_locator(5, "http://a/img/1").gone) << "younger";
  EXPECT_FALSE(marks.of_locator(4, "http://a/im").gone);
  EXPECT_FALSE(gone(marks, 4, 1));
  for (Moment i = 0; i < PurgeMarks::kPrefixesMax; ++i)
    marks.add_prefix("http://b/" + std::to_string(i), {10 + i, 0});
  EXPECT_EQ(marks.prefixes().size(), PurgeMarks::kPrefixesMax);
  EXPECT_TRUE(gone(marks, 4, 1)) << "the oldest prefix became everything";
  EXPECT_FALSE(gone(marks, 5, 1));
}

TEST(SoftTimes, TheFirstPurgeAfterAResponseOrEarlierCounts) {
  SoftTimes times;
  std::vector<std::int64_t> model;
  Prng prng(9);
  std::int64_t now = 0;
  for (int i = 0; i < 2000; ++i) {
    now += static_cast<std::int64_t>(prng.below(10));
    times.add({{now}, {now}});
    model.push_back(now);
    const auto asked = static_cast<std::int64_t>(prng.below(static_cast<std::uint64_t>(now) + 3));
    const auto after = std::upper_bound(model.begin(), model.end(), asked);
    const auto found = times.first_after({asked});
    ASSERT_EQ(found.has_value(), after != model.end());
    if (!found) continue;
    ASSERT_LE(found->ns, *after);
    ASSERT_GE(found->ns, asked);
    if (asked >= times.spans()[0].last.ns) {
      ASSERT_EQ(found->ns, *after) << "the latest are exact";
    }
  }
  EXPECT_EQ(times.spans().size(), SoftTimes::kTimesMax);
}

TEST(SoftTimes, AClockThatWasSetBackAddsInItsPlace) {
  SoftTimes times;
  times.add({{100}, {100}});
  times.add({{50}, {50}});
  times.add({{90}, {110}});
  EXPECT_EQ(times.first_after({10})->ns, 50);
  EXPECT_EQ(times.first_after({50})->ns, 90);
  EXPECT_EQ(times.first_after({105})->ns, 105);
  EXPECT_FALSE(times.first_after({110}));
}

}  // namespace
}  // namespace headgate::proxy
