#include "decide/health/concurrency.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <queue>
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

TEST(Concurrency, UnderOverloadTheLimitSettlesNearWhatFitsAndTheServerStaysBusy) {
  for (const std::uint64_t seed : {1U, 2U, 3U}) {
    Simulation sim(20, 10ms, seed);  // 2,000 a second fit, 20 at once
    sim.run(20s, 4000);
    sim.run(60s, 4000);
    EXPECT_GT(sim.limit(), 20) << seed;
    EXPECT_LT(sim.limit(), 60) << seed;
    EXPECT_GT(sim.done(), 60 * 2000 * 0.93) << seed;
    EXPECT_LT(sim.mean_latency(), 25ms) << seed;
  }
}

TEST(Concurrency, WithoutOverloadNothingIsRefusedOnceItHasGrown) {
  Simulation sim(20, 10ms, 5);
  sim.run(10s, 1000);
  sim.run(25s, 1000);
  EXPECT_EQ(sim.refused(), 0);
  EXPECT_LT(sim.limit(), 60);  // and what is not used does not grow without end
}

TEST(Concurrency, ASlowerServerIsBelievedAndItsQueueIsNot) {
  Simulation sim(20, 10ms, 7);
  sim.run(30s, 4000);
  sim.set_service(40ms);
  sim.run(90s, 4000);
  sim.run(60s, 4000);
  EXPECT_GT(sim.done(), 60 * 500 * 0.9);
  EXPECT_LT(sim.mean_latency(), 100ms);
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
