// On generated traces the eviction is no worse than LRU; hit_ratio_bench.cc prints by how much it
// is better.
#include <gtest/gtest.h>

#include "store/memory/testing/trace.h"

namespace headgate::store::memory {
namespace {

TEST(HitRatio, IsNotWorseThanThatOfLruOnZipfAndScanMixedTraces) {
  for (const double skew : {0.8, 1.0, 1.2})
    for (const double scan_share : {0.0, 0.3})
      for (const bool sizes_vary : {false, true}) {
        const auto trace = make_trace({skew, 5'000, 60'000, scan_share, sizes_vary}, 1);
        for (const double share : {0.005, 0.02, 0.1, 0.25}) {
          const auto bytes_max =
              static_cast<std::uint64_t>(share * static_cast<double>(footprint(trace)));
          EXPECT_GE(s3_fifo_hit_ratio(trace, bytes_max), lru_hit_ratio(trace, bytes_max))
              << "skew " << skew << ", scans " << scan_share << ", sizes " << sizes_vary
              << ", cache " << share;
        }
      }
}

}  // namespace
}  // namespace headgate::store::memory
