#include "io/signals.h"

#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

namespace headgate::io {
namespace {

TEST(Signals, ArriveAsEventsOfTheLoop) {
  Loop loop;
  std::vector<int> seen;
  auto signals =
      Signals::make(loop, {SIGUSR1, SIGUSR2}, [&](int signal) { seen.push_back(signal); });
  ASSERT_TRUE(signals) << signals.error().message;
  ASSERT_EQ(::kill(::getpid(), SIGUSR2), 0);
  ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);
  for (int i = 0; i < 100 && seen.size() < 2; ++i) loop.turn(10ms);
  std::ranges::sort(seen);
  EXPECT_EQ(seen, (std::vector<int>{SIGUSR1, SIGUSR2}));
}

TEST(Signals, AreSilentOnceDestroyed) {
  Loop loop;
  int seen = 0;
  auto signals = Signals::make(loop, {SIGUSR1}, [&](int) { ++seen; }).value();
  signals.reset();
  ASSERT_EQ(::kill(::getpid(), SIGUSR1), 0);  // stays pending: the signal is still blocked
  loop.turn(5ms);
  EXPECT_EQ(seen, 0);
  auto next = Signals::make(loop, {SIGUSR1}, [&](int) { ++seen; }).value();
  loop.turn(5ms);
  EXPECT_EQ(seen, 1) << "and is delivered to the next owner";
}

}  // namespace
}  // namespace headgate::io
