#include "store/disk/health.h"

#include <gtest/gtest.h>

#include "store/disk/request_queue.h"
#include "store/disk/ticket.h"

namespace headgate::store::disk {
namespace {

TEST(Health, IsProbedWithGrowingPausesUntilItIsWell) {
  Health health(0, {1s, 4s});
  EXPECT_TRUE(health.well());
  Instant now{1000};
  EXPECT_FALSE(health.may_probe(now)) << "there is nothing to find out";
  health.failed(now, "full");
  EXPECT_FALSE(health.well());
  EXPECT_EQ(health.alarm()->why, "full");
  EXPECT_EQ(health.alarm()->since, now);
  for (const Duration pause : {1s, 2s, 4s, 4s}) {
    EXPECT_FALSE(health.may_probe(now + pause - 1ns));
    now = now + pause;
    EXPECT_TRUE(health.may_probe(now));
    EXPECT_FALSE(health.may_probe(now)) << "one at a time";
    health.failed(now, "still full");
  }
  EXPECT_EQ(health.alarm()->since, Instant{1000});
  health.succeeded();
  EXPECT_TRUE(health.well());
  EXPECT_FALSE(health.alarm());
  health.failed(now, "again");
  EXPECT_TRUE(health.may_probe(now + 1s)) << "the pauses begin anew";
}

TEST(Health, BearsAsManyFailuresInARowAsItIsTold) {
  Health health(2, {});
  for (int i = 0; i < 10; ++i) {
    health.failed({0}, "");
    health.failed({0}, "");
    EXPECT_TRUE(health.well());
    health.succeeded();
  }
  for (int i = 0; i < 3; ++i) health.failed({0}, "");
  EXPECT_FALSE(health.well());
}

TEST(Health, FailuresThatWereUnderWayTogetherAreOne) {
  Health health(0, {1s, 60s});
  for (int i = 0; i < 10; ++i) health.failed({0}, "");
  EXPECT_FALSE(health.may_probe(Instant{0} + 1s - 1ns));
  EXPECT_TRUE(health.may_probe(Instant{0} + 1s));
}

TEST(RequestQueue, IsFullByNumberAndByWeight) {
  RequestQueue<int> queue;
  int one = 1;
  EXPECT_TRUE(queue.push(one, 1000, {2, 10})) << "anything fits into an empty one";
  EXPECT_FALSE(queue.push(one, 1, {2, 10}));
  EXPECT_TRUE(queue.push(one, 1, {2, 2000}));
  EXPECT_FALSE(queue.push(one, 0, {2, 2000}));
  EXPECT_EQ(queue.pop(), 1);
  EXPECT_TRUE(queue.push(one, 1, {2, 10}));
  queue.close();
  EXPECT_FALSE(queue.push(one, 1, {9, 99}));
  EXPECT_TRUE(queue.pop());
  EXPECT_TRUE(queue.pop());
  EXPECT_FALSE(queue.pop());
}

TEST(Ticket, IsCancelledOrRedeemedButNeverBoth) {
  Ticket ticket;
  Ticket other = ticket;
  EXPECT_TRUE(ticket.cancel());
  EXPECT_TRUE(other.cancelled());
  EXPECT_FALSE(other.redeem());
  Ticket second;
  EXPECT_TRUE(second.redeem());
  EXPECT_FALSE(second.cancel());
  EXPECT_FALSE(second.cancelled());
}

}  // namespace
}  // namespace headgate::store::disk
