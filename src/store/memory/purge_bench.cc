// A million objects that carry one tag (and a namespace and a host): what the purge costs, the
// first find after it, and the sweep that frees them.
#include <benchmark/benchmark.h>

#include "store/memory/testing/world.h"

namespace headgate::store::memory {
namespace {

constexpr std::uint64_t kObjects = 1'000'000;

struct Million {
  Million() {
    Options options;
    options.bytes_max = std::uint64_t{4} << 30;
    world = std::make_unique<World>(options);
    for (std::uint64_t i = 0; i < kObjects; ++i)
      world->put_labelled(key(i), "x", {"namespace:shop", "host:www.example.org", "tag:all"});
  }
  static NamedKey key(std::uint64_t i) { return NamedKey("www.example.org/" + std::to_string(i)); }
  std::unique_ptr<World> world;
};

void purge_of_a_million(benchmark::State& state) {
  static Million million;
  Store& store = million.world->store;
  for (auto _ : state) store.purge_label("tag:all", Purge::kSoft);
}
BENCHMARK(purge_of_a_million)->Unit(benchmark::kMicrosecond);

void purge_of_a_million_by_prefix(benchmark::State& state) {
  static Million million;
  for (auto _ : state)
    benchmark::DoNotOptimize(
        million.world->store.purge_prefix("www.example.org/", Purge::kHard).has_value());
}
BENCHMARK(purge_of_a_million_by_prefix)->Unit(benchmark::kMicrosecond)->Iterations(1);

void purge_and_find_nothing(benchmark::State& state) {
  Million million;
  for (auto _ : state) {
    million.world->store.purge_label("tag:all", Purge::kHard);
    if (million.world->has(Million::key(17))) state.SkipWithError("purged");
  }
}
BENCHMARK(purge_and_find_nothing)->Unit(benchmark::kMicrosecond)->Iterations(1);

void sweep_of_a_million(benchmark::State& state) {
  Million million;
  million.world->store.purge_label("tag:all", Purge::kHard);
  for (auto _ : state) million.world->store.sweep();
  if (million.world->store.counts().objects > 0) state.SkipWithError("swept");
}
BENCHMARK(sweep_of_a_million)->Unit(benchmark::kMillisecond)->Iterations(1);

}  // namespace
}  // namespace headgate::store::memory
