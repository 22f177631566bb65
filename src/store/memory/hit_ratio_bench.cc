// Hit ratio of the eviction beside LRU, in percent of requests, by skew, share of scans and size of
// the cache in thousandths of all bytes. The published figures of S3-FIFO are of the same kind:
// fewer misses than LRU, most where the cache is small.
#include <benchmark/benchmark.h>

#include "store/memory/testing/trace.h"

namespace headgate::store::memory {
namespace {

void hit_ratio(benchmark::State& state) {
  TraceShape shape;
  shape.skew = static_cast<double>(state.range(0)) / 10;
  shape.scan_share = static_cast<double>(state.range(1)) / 100;
  shape.sizes_vary = state.range(3) != 0;
  const auto trace = make_trace(shape, 1);
  const std::uint64_t bytes_max =
      footprint(trace) * static_cast<std::uint64_t>(state.range(2)) / 1000;
  double s3 = 0;
  for (auto _ : state) s3 = s3_fifo_hit_ratio(trace, bytes_max);
  const double lru = lru_hit_ratio(trace, bytes_max);
  state.counters["s3fifo_%"] = 100 * s3;
  state.counters["lru_%"] = 100 * lru;
  state.counters["gain_points"] = 100 * (s3 - lru);
  state.counters["misses_saved_%"] = 100 * (s3 - lru) / (1 - lru);
}
BENCHMARK(hit_ratio)
    ->ArgNames({"skew10", "scan%", "cache/1000", "sizes"})
    ->ArgsProduct({{8, 10, 12}, {0, 30}, {5, 20, 100, 250}, {0, 1}})
    ->Iterations(1)
    ->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace headgate::store::memory
