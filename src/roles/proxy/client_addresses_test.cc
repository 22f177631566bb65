#include "roles/proxy/client_addresses.h"

#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "base/prng.h"

namespace headgate::proxy {
namespace {

using wire::ip::ipv4;

TEST(ClientAddresses, RefusesWhatIsOverTheLimitAndForgetsWhatEnded) {
  ClientAddresses table(7);
  auto first = table.take(ipv4(10, 0, 0, 1), 2);
  auto second = table.take(ipv4(10, 0, 0, 1), 2);
  EXPECT_TRUE(first && second);
  EXPECT_FALSE(table.take(ipv4(10, 0, 0, 1), 2));
  EXPECT_TRUE(table.take(ipv4(10, 0, 0, 2), 2)) << "each address has its own limit";
  first.reset();
  EXPECT_EQ(table.count(ipv4(10, 0, 0, 1)), 1u);
  EXPECT_TRUE(table.take(ipv4(10, 0, 0, 1), 2));
}

TEST(ClientAddresses, CountsWhatHasNoLimitForALimitThatComesLater) {
  ClientAddresses table(7);
  std::vector<ClientAddresses::Place> places;
  for (int i = 0; i < 3; ++i) places.push_back(*table.take(ipv4(10, 0, 0, 1), 0));
  EXPECT_FALSE(table.take(ipv4(10, 0, 0, 1), 3));
  places.clear();
  EXPECT_EQ(table.count(ipv4(10, 0, 0, 1)), 0u);
}

TEST(ClientAddresses, APlaceIsCountedOnceHoweverOftenItMoves) {
  ClientAddresses table(7);
  ClientAddresses::Place place = *table.take(ipv4(10, 0, 0, 1), 0);
  ClientAddresses::Place moved = std::move(place);
  place.release();
  EXPECT_EQ(table.count(ipv4(10, 0, 0, 1)), 1u);
  moved = *table.take(ipv4(10, 0, 0, 2), 0);
  EXPECT_EQ(table.count(ipv4(10, 0, 0, 1)), 0u);
  moved.release();
  moved.release();
  EXPECT_EQ(table.count(ipv4(10, 0, 0, 2)), 0u);
}

TEST(ClientAddresses, AgreesWithANaiveCount) {
  ClientAddresses table(7);
  Prng prng{11};
  std::map<int, std::vector<ClientAddresses::Place>> model;
  for (int step = 0; step < 20'000; ++step) {
    const auto last = static_cast<std::uint8_t>(prng.below(200));
    auto& held = model[last];
    if (prng.below(2) == 0 && !held.empty()) {
      held.pop_back();
    } else if (auto place = table.take(ipv4(10, 0, 0, last), 5)) {
      held.push_back(std::move(*place));
      ASSERT_LE(held.size(), 5u);
    } else {
      ASSERT_EQ(held.size(), 5u);
    }
    ASSERT_EQ(table.count(ipv4(10, 0, 0, last)), held.size());
  }
}

TEST(ClientAddresses, IsExactWhenSeveralThreadsTake) {
  ClientAddresses table(7);
  constexpr int kMax = 3;
  std::atomic<int> open{0}, most{0};
  const auto work = [&] {
    for (int i = 0; i < 20'000; ++i) {
      auto place = table.take(ipv4(10, 0, 0, 1), kMax);
      if (!place) continue;
      const int now = open.fetch_add(1) + 1;
      for (int seen = most.load(); now > seen && !most.compare_exchange_weak(seen, now);) {
      }
      open.fetch_sub(1);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(work);
  for (auto& thread : threads) thread.join();
  EXPECT_LE(most.load(), kMax);
  EXPECT_EQ(table.count(ipv4(10, 0, 0, 1)), 0u);
}

}  // namespace
}  // namespace headgate::proxy
