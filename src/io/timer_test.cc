#include "io/timer.h"

#include <gtest/gtest.h>

#include <map>
#include <memory>
#include <vector>

#include "base/prng.h"

namespace headgate::io {
namespace {

constexpr Instant at(std::int64_t ms) { return {ms * 1'000'000}; }

struct Recorder {
  explicit Recorder(const Instant* clock) : now(clock), timer([](void* self) {
    auto* r = static_cast<Recorder*>(self);
    r->fired.push_back(*r->now);
  }, this) {}
  const Instant* now;
  std::vector<Instant> fired;
  Timer timer;
};

TEST(Timer, FiresOnceNotEarlyAndAtMostATickLate) {
  Instant now = at(1000);
  TimerWheel wheel(now);
  Recorder r(&now);
  wheel.arm(r.timer, at(1050));
  for (; now < at(1200); now = now + 1ms) wheel.advance(now);
  ASSERT_EQ(r.fired.size(), 1u);
  EXPECT_GE(r.fired[0], at(1050));
  EXPECT_LE(r.fired[0], at(1054));
}

TEST(Timer, MovedLaterFiresAtTheLaterDeadlineAlone) {
  Instant now = at(0);
  TimerWheel wheel(now);
  Recorder r(&now);
  wheel.arm(r.timer, at(40));
  wheel.arm(r.timer, at(100));
  for (; now < at(300); now = now + 1ms) wheel.advance(now);
  ASSERT_EQ(r.fired.size(), 1u);
  EXPECT_GE(r.fired[0], at(100));
}

TEST(Timer, DisarmedDoesNotFireAndMayBeArmedAgain) {
  Instant now = at(0);
  TimerWheel wheel(now);
  Recorder r(&now);
  wheel.arm(r.timer, at(40));
  wheel.disarm(r.timer);
  EXPECT_FALSE(r.timer.armed());
  for (; now < at(100); now = now + 1ms) wheel.advance(now);
  EXPECT_TRUE(r.fired.empty());
  wheel.arm(r.timer, at(120));
  for (; now < at(200); now = now + 1ms) wheel.advance(now);
  EXPECT_EQ(r.fired.size(), 1u);
}

TEST(Timer, UntilNextNeverOversleepsAnyTimer) {
  Prng prng(7);
  Instant now = at(0);
  TimerWheel wheel(now);
  std::vector<std::unique_ptr<Recorder>> all;
  std::multimap<std::int64_t, Recorder*> model;
  for (int round = 0; round < 3000; ++round) {
    all.push_back(std::make_unique<Recorder>(&now));
    const Instant deadline = now + Duration(static_cast<std::int64_t>(prng.below(30'000'000'000)));
    wheel.arm(all.back()->timer, deadline);
    model.emplace(deadline.ns, all.back().get());
    const Duration sleep = wheel.until_next(now);
    ASSERT_NE(sleep, Duration::max());
    now = now + std::min(sleep, Duration(static_cast<std::int64_t>(prng.below(50'000'000))));
    wheel.advance(now);
    while (!model.empty() && model.begin()->first <= now.ns - TimerWheel::kTickNs) {
      ASSERT_EQ(model.begin()->second->fired.size(), 1u);
      model.erase(model.begin());
    }
  }
  while (wheel.until_next(now) != Duration::max()) {
    now = now + wheel.until_next(now);
    wheel.advance(now);
  }
  for (const auto& r : all) EXPECT_EQ(r->fired.size(), 1u);
}

}  // namespace
}  // namespace headgate::io
