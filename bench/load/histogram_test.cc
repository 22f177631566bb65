#include "load/histogram.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <vector>

namespace headgate::bench {
namespace {

TEST(Histogram, HasNoPercentileWhenEmpty) { EXPECT_EQ(Histogram().percentile_ns(0.99), 0); }

TEST(Histogram, IsExactForSmallValues) {
  Histogram histogram;
  for (int value = 0; value < 100; ++value) histogram.add(value);
  EXPECT_EQ(histogram.percentile_ns(0.5), 50);
  EXPECT_EQ(histogram.percentile_ns(0.99), 99);
}

TEST(Histogram, TakesWhatIsTooLongAsTheLongestAndWhatIsNegativeAsNothing) {
  Histogram histogram;
  histogram.add(std::int64_t{1} << 50);
  histogram.add(-1);
  EXPECT_EQ(histogram.total(), 2U);
  EXPECT_EQ(histogram.max_ns(), std::int64_t{1} << 50);
  EXPECT_EQ(histogram.percentile_ns(0), 0);
}

TEST(Histogram, IsWithinOnePercentOfSortedValues) {
  std::mt19937_64 random(1);
  std::lognormal_distribution<double> latency(11, 2);
  std::vector<std::int64_t> values(20'000);
  Histogram histogram;
  for (std::int64_t& value : values)
    histogram.add(value = static_cast<std::int64_t>(latency(random)));
  std::sort(values.begin(), values.end());
  for (const double share : {0.0, 0.01, 0.5, 0.9, 0.99, 0.999, 1.0}) {
    const auto rank = static_cast<std::size_t>(share * static_cast<double>(values.size()));
    const auto exact = static_cast<double>(values[std::min(rank, values.size() - 1)]);
    EXPECT_NEAR(static_cast<double>(histogram.percentile_ns(share)), exact, exact * 0.01 + 1)
        << share;
  }
}

}  // namespace
}  // namespace headgate::bench
