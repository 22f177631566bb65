#include "app/background.h"

#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

namespace headgate::app {
namespace {

TEST(Background, WorksOnItsThreadInOrderAndDeliversOnTheLoop) {
  io::Loop loop;
  Background background(loop);
  std::string order;
  std::thread::id worked_on, delivered_on;
  for (char c = 'a'; c <= 'c'; ++c) {
    background.run(
        [c, &worked_on] {
          worked_on = std::this_thread::get_id();
          return c;
        },
        [&](char result) {
          order += result;
          delivered_on = std::this_thread::get_id();
          if (result == 'c') loop.stop();
        });
  }
  loop.run();
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(delivered_on, std::this_thread::get_id());
  EXPECT_NE(worked_on, delivered_on);
}

TEST(Background, DeliversNothingAfterItsEnd) {
  io::Loop loop;
  std::atomic<bool> worked = false;
  bool delivered = false;
  {
    Background background(loop);
    background.run([&] { return worked = true; }, [&](bool) { delivered = true; });
    while (!worked) std::this_thread::yield();
  }
  loop.turn(0s);
  EXPECT_FALSE(delivered);
}

}  // namespace
}  // namespace headgate::app
