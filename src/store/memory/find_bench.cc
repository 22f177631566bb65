// A hit by itself: find, choose, take, and what the response gives back. "hot": every thread asks
// for the same key; "spread": for a hundred thousand different ones. The floor is the same without
// a store: two counts up and down on one line. `a_lock_per_shard` is the alternative that finds do
// not use: the same table behind a mutex.
#include <benchmark/benchmark.h>

#include <mutex>

#include "store/memory/testing/world.h"

namespace headgate::store::memory {
namespace {

constexpr std::uint64_t kKeys = 100'000;

std::string name_of(std::uint64_t i) {
  return "https www.example.org/a/path/of/usual/length/" + std::to_string(i);
}

struct Filled {
  Filled() {
    Options options;
    options.bytes_max = 1 << 30;
    world = std::make_unique<World>(options);
    Draft draft;
    const std::string head(300, 'h'), body(1024, 'b');
    draft.head = head;
    draft.metadata = std::string_view(head).substr(0, 128);
    for (std::uint64_t i = 0; i < kKeys; ++i) {
      keys.emplace_back(name_of(i));
      world->put(keys.back(), body, draft);
    }
  }
  std::vector<NamedKey> keys;
  std::unique_ptr<World> world;
};

Filled& filled() {
  static Filled instance;
  return instance;
}

void hit(benchmark::State& state, bool spread) {
  Filled& f = filled();
  Reader reader(f.world->store);
  std::vector<Key> keys;
  for (std::uint64_t i = 0; i < (spread ? kKeys : 1); ++i)
    keys.push_back(f.keys[spread ? (i * 7919) % kKeys : 5]);
  std::size_t at = 0;
  for (auto _ : state) {
    const View view = reader.find(keys[at], {});
    if (view.empty()) state.SkipWithError("a hit");
    const Ref<Object> object = view.take(0);
    benchmark::DoNotOptimize(object->head().data());
    if (++at == keys.size()) at = 0;
  }
}
void hot_hit(benchmark::State& state) { hit(state, false); }
void spread_hit(benchmark::State& state) { hit(state, true); }
BENCHMARK(hot_hit)->Threads(1)->Threads(2)->UseRealTime();
BENCHMARK(spread_hit)->Threads(1)->Threads(2)->UseRealTime();

void a_miss(benchmark::State& state) {
  Filled& f = filled();
  Reader reader(f.world->store);
  const NamedKey nobody("nobody has this");
  for (auto _ : state) benchmark::DoNotOptimize(reader.find(nobody, {}).empty());
}
BENCHMARK(a_miss)->Threads(1)->Threads(2)->UseRealTime();

void floor_two_counts(benchmark::State& state) {
  static std::atomic<std::uint32_t> one{1}, other{1};
  for (auto _ : state) {
    ++one;
    ++other;
    --one;
    --other;
  }
}
BENCHMARK(floor_two_counts)->Threads(1)->Threads(2)->UseRealTime();

void a_lock_per_shard(benchmark::State& state) {
  Filled& f = filled();
  Reader reader(f.world->store);
  static std::mutex mutexes[16];
  std::vector<Key> keys;
  for (std::uint64_t i = 0; i < kKeys; ++i) keys.push_back(f.keys[(i * 7919) % kKeys]);
  std::size_t at = 0;
  for (auto _ : state) {
    const std::lock_guard hold(mutexes[keys[at].hash.high & 15]);
    const View view = reader.find(keys[at], {});
    const Ref<Object> object = view.take(0);
    benchmark::DoNotOptimize(object->head().data());
    if (++at == keys.size()) at = 0;
  }
}
BENCHMARK(a_lock_per_shard)->Threads(1)->Threads(2)->UseRealTime();

// After a purge of something else every object is compared once more.
void hit_after_a_purge(benchmark::State& state) {
  World world;
  const NamedKey key("labelled");
  world.put_labelled(key, "body", {"ns:a", "host:b", "tag:c", "tag:d"});
  for (auto _ : state) {
    state.PauseTiming();
    world.store.purge_label("tag:other", Purge::kHard);
    state.ResumeTiming();
    benchmark::DoNotOptimize(world.find(key).size());
  }
}
BENCHMARK(hit_after_a_purge)->Iterations(100'000);

void store_one_kilobyte(benchmark::State& state) {
  Options options;
  options.bytes_max = 64 << 20;  // it evicts all the time
  World world(options);
  const std::string body(1024, 'b');
  std::uint64_t i = 0;
  for (auto _ : state) world.put(NamedKey(name_of(i++)), body);
}
BENCHMARK(store_one_kilobyte);

// Bytes of the store for each object beyond its own key, head, metadata and body.
void overhead_of_an_object(benchmark::State& state) {
  for (auto _ : state) {
    const Filled fresh;
    const Counts counts = fresh.world->store.counts();
    double content = 0;
    for (const NamedKey& key : fresh.keys)
      content += static_cast<double>(key.bytes.size() + 300 + 128 + 1024);
    state.counters["overhead_bytes"] =
        (static_cast<double>(counts.bytes_used) - content) / static_cast<double>(kKeys);
  }
}
BENCHMARK(overhead_of_an_object)->Iterations(1)->Unit(benchmark::kMillisecond);

}  // namespace
}  // namespace headgate::store::memory
