#include "decide/health/concurrency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <queue>
#include <utility>
#include <vector>

#include "base/prng.h"

namespace headgate::decide::health {
namespace {

constexpr model::AdaptiveConcurrency kSettings{true, 4, 1000, 1.5};

// A server with `slots` workers of `service` each behind an endless queue, under Poisson arrivals;
// only the limiter refuses.
class Simulation {
 public:
  Simulation(int slots, Duration service, std::uint64_t seed) : service_(service), prng_(seed) {
    free_at_.assign(static_cast<std::size_t>(slots), Instant{});
    state_ = start_concurrency(kSettings, now_);
  }

  void run(Duration span, double arrivals_per_second) {
    done_ = refused_ = 0;
    latency_ = Duration::zero();
    for (const Instant end = now_ + span; now_ < end;) {
      now_ = now_ + Duration(static_cast<std::int64_t>(-std::log(1 - prng_.unit()) /
                                                       arrivals_per_second * 1e9));
      finish_due();
      if (admits(state_, in_flight()))
        start();
      else
        ++refused_;
    }
  }

  void set_service(Duration service) { service_ = service; }
  // What runs is finished where it is.
  void set_slots(int slots) { free_at_.assign(static_cast<std::size_t>(slots), now_); }
  double limit() const {
    return state_.limit_before_probe > 0 ? state_.limit_before_probe : state_.limit;
  }
  double done() const { return static_cast<double>(done_); }
  int refused() const { return refused_; }
  Duration mean_latency() const { return latency_ / std::max(done_, 1); }

 private:
  struct Running {
    Instant ends, began;
    std::uint32_t in_flight;
    bool operator<(const Running& other) const { return ends > other.ends; }
  };
  std::uint32_t in_flight() const { return static_cast<std::uint32_t>(running_.size()); }

  void start() {
    auto& slot = *std::min_element(free_at_.begin(), free_at_.end());
    const double noise = 0.9 + 0.2 * prng_.unit();
    slot = std::max(slot, now_) +
           Duration(static_cast<std::int64_t>(static_cast<double>(service_.count()) * noise));
    running_.push({slot, now_, in_flight() + 1});
  }

  void finish_due() {
    while (!running_.empty() && running_.top().ends <= now_) {
      const Running r = running_.top();
      running_.pop();
      state_ = on_finished(state_, {r.ends - r.began, false, r.in_flight}, kSettings, r.ends);
      ++done_;
      latency_ += r.ends - r.began;
    }
  }

  Duration service_;
  Prng prng_;
  Instant now_{1'000'000'000};
  Concurrency state_;
  std::vector<Instant> free_at_;
  std::priority_queue<Running> running_;
  int done_ = 0, refused_ = 0;
  Duration latency_{};
};

// Where growth by the square root and shrinking by the gradient are in balance, for a server that
// is full: its latency is `limit / slots` services, and the shortest one 0.9 of a service
// (the noise), so limit - sqrt(limit) = tolerance * 0.9 * slots.
double balance_of(int slots) {
  const double product = kSettings.latency_tolerance * 0.9 * slots;
  const double root = (1 + std::sqrt(1 + 4 * product)) / 2;
  return root * root;
}

// Runs on for a while, and gives the lowest and the highest limit at the end of each second of it.
std::pair<double, double> limits_during(Simulation& sim, int seconds, double arrivals_per_second) {
  double lowest = 1e9, highest = 0;
  for (int second = 0; second < seconds; ++second) {
    sim.run(1s, arrivals_per_second);
    lowest = std::min(lowest, sim.limit()), highest = std::max(highest, sim.limit());
  }
  return {lowest, highest};
}

struct Capacity {
  int slots;
  Duration service;
  double per_second() const { return slots * 1e9 / static_cast<double>(service.count()); }
};

// Against many queues: the limit enters the band around its balance, and does not leave it.
TEST(Concurrency, UnderOverloadTheLimitStaysInANarrowBandAroundItsBalance) {
  Prng prng(4);
  for (int round = 0; round < 12; ++round) {
    const Capacity fits{10 + static_cast<int>(prng.below(40)),
                        Duration(5ms + 1ns * static_cast<std::int64_t>(prng.below(25'000'000)))};
    Simulation sim(fits.slots, fits.service, prng.next());
    const double load = fits.per_second() * (1.3 + 2 * prng.unit());
    sim.run(10s, load);
    const auto [lowest, highest] = limits_during(sim, 25, load);  // over the probe of half a minute
    EXPECT_GT(lowest, 0.8 * balance_of(fits.slots)) << fits.slots;
    EXPECT_LT(highest, 1.25 * balance_of(fits.slots)) << fits.slots;
  }
}

TEST(Concurrency, UnderOverloadTheServerStaysBusyAndItsQueueShort) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Simulation sim(20, 10ms, seed);  // 2,000 a second fit, 20 at once
    sim.run(20s, 4000);
    sim.run(60s, 4000);
    EXPECT_GT(sim.done(), 60 * 2000 * 0.97) << seed;
    EXPECT_LE(sim.done(), 60 * 2000 * 1.01) << seed;
    EXPECT_LT(sim.mean_latency(), 1.25 * balance_of(20) / 20 * 10ms) << seed;
  }
}

TEST(Concurrency, WithoutOverloadNothingIsRefusedOnceItHasGrown) {
  for (const std::uint64_t seed : {5U, 6U, 7U}) {
    Simulation sim(20, 10ms, seed);
    sim.run(10s, 1000);
    sim.run(25s, 1000);
    EXPECT_EQ(sim.refused(), 0) << seed;
    EXPECT_LT(sim.limit(), 60) << seed;  // and what is not used does not grow without end
  }
}

TEST(Concurrency, TheLimitFallsWhenLatencyRisesAndRisesAgainAfter) {
  for (const std::uint64_t seed : {11U, 12U, 13U}) {
    Simulation sim(20, 10ms, seed);
    sim.run(20s, 4000);
    const double before = sim.limit();
    sim.set_service(
        40ms);  // a dependency of the server has become slow, for less than half a minute
    sim.run(5s, 4000);
    EXPECT_LT(sim.limit(), before / 3) << seed;
    sim.set_service(10ms);
    sim.run(5s, 4000);
    EXPECT_GT(sim.limit(), 0.8 * balance_of(20)) << seed;
    EXPECT_LT(sim.limit(), 1.25 * balance_of(20)) << seed;
  }
}

TEST(Concurrency, TheLimitFollowsTheCapacityDownAndUp) {
  for (const std::uint64_t seed : {21U, 22U, 23U}) {
    Simulation sim(40, 10ms, seed);
    for (const int slots : {40, 10, 40, 20, 80}) {
      sim.set_slots(slots);
      sim.run(15s, 12'000);
      EXPECT_GT(sim.limit(), 0.8 * balance_of(slots)) << slots << " slots, seed " << seed;
      EXPECT_LT(sim.limit(), 1.25 * balance_of(slots)) << slots << " slots, seed " << seed;
    }
  }
}

TEST(Concurrency, ASlowerServerIsBelievedAndItsQueueIsNot) {
  Simulation sim(20, 10ms, 7);
  sim.run(30s, 4000);
  sim.set_service(40ms);
  sim.run(90s, 4000);
  sim.run(60s, 4000);
  EXPECT_GT(sim.done(), 60 * 500 * 0.95);
  EXPECT_LT(sim.mean_latency(), 1.25 * balance_of(20) / 20 * 40ms);
  EXPECT_GT(sim.limit(), 0.8 * balance_of(20));
}

TEST(Concurrency, DroppedRequestsLowerTheLimitToItsFloor) {
  Concurrency state = start_concurrency(kSettings, {0});
  state.limit = 500;
  for (int i = 1; i <= 2000; ++i)
    state = on_finished(state, {{}, true, 500}, kSettings, {i * 10'000'000LL});
  EXPECT_EQ(state.limit, 4);
  EXPECT_TRUE(admits(state, 3));
  EXPECT_FALSE(admits(state, 4));
}

TEST(Concurrency, AWindowOfDropsLowersTheLimitByAFifthHoweverManyThereWere) {
  for (const int drops : {1, 8, 16}) {
    Concurrency state = start_concurrency(kSettings, {0});
    state.limit = 100;
    for (int i = 1; i <= 16; ++i)
      state = on_finished(state, {10ms, i <= drops, 100}, kSettings, {i * 10'000'000LL});
    EXPECT_DOUBLE_EQ(state.limit, 80) << drops;
  }
}

TEST(Concurrency, TheLimitGrowsByItsSquareRootOnlyWhileHalfOfItIsInUse) {
  for (const std::uint32_t in_flight : {49U, 50U}) {
    Concurrency state = start_concurrency(kSettings, {0});
    state.limit = 100;
    for (int i = 1; i <= 16; ++i)
      state = on_finished(state, {10ms, false, in_flight}, kSettings, {i * 10'000'000LL});
    EXPECT_DOUBLE_EQ(state.limit, in_flight < 50 ? 100 : 110) << in_flight;
  }
}

TEST(Concurrency, TheLimitStaysWithinItsBoundsWhateverIsReported) {
  Prng prng(9);
  Concurrency state = start_concurrency(kSettings, {0});
  for (std::int64_t i = 1; i < 100'000; ++i) {
    const Finished f{Duration(static_cast<std::int64_t>(prng.below(UINT64_C(1) << prng.below(40)))),
                     prng.below(50) == 0, static_cast<std::uint32_t>(prng.below(3000))};
    state = on_finished(state, f, kSettings, {i * 1'000'000});
    ASSERT_TRUE(state.limit >= 4 && state.limit <= 1000) << i;
  }
}

}  // namespace
}  // namespace headgate::decide::health
