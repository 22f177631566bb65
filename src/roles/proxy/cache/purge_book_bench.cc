// A purge of a million objects that carry one tag, from the order to the moment at which no worker
// finds them in memory and none is taken from the disk; and an object of the disk being judged.
#include <benchmark/benchmark.h>

#include <future>

#include "io/test_directory.h"
#include "roles/proxy/cache/labels.h"
#include "roles/proxy/cache/purge_book.h"
#include "store/memory/testing/world.h"

namespace headgate::proxy {
namespace {

constexpr std::uint64_t kObjects = 1'000'000;

struct Million {
  Million() : world(options()), book({directory / "cache-purges", true}, world.store) {
    for (std::uint64_t i = 0; i < kObjects; ++i)
      world.put_labelled(key(i), "x", {"nshop", "hwww.example.org", "tshop\nall"});
  }
  static store::memory::Options options() {
    store::memory::Options out;
    out.bytes_max = std::uint64_t{4} << 30;
    return out;
  }
  static store::memory::NamedKey key(std::uint64_t i) {
    return store::memory::NamedKey("http://www.example.org/" + std::to_string(i));
  }
  PurgeReceipt purge(store::memory::Purge how) {
    std::promise<PurgeReceipt> promise;
    book.carry_out({{PurgeScope::kTag, "all", "shop", how}, {}}, {},
                   [&](PurgeBook::Outcome outcome) { promise.set_value(outcome.value()); });
    return promise.get_future().get();
  }
  const io::TestDirectory directory;
  store::memory::World world;
  PurgeBook book;
};

Million& million() {
  static Million one;
  return one;
}

// The time of an iteration is that of the effect; the counter says how long the receipt took.
void purge_of_a_million_takes_effect(benchmark::State& state) {
  double until_durable = 0;
  for (auto _ : state) {
    const Instant begin = io::monotonic_now();
    const PurgeReceipt receipt = million().purge(store::memory::Purge::kSoft);
    until_durable += static_cast<double>((io::monotonic_now() - begin).count()) / 1000;
    state.SetIterationTime(static_cast<double>(receipt.memory_effective_us) / 1e6);
    if (receipt.memory_effective_us > 1000) state.SkipWithError("more than a millisecond");
  }
  state.counters["durable_us"] = until_durable / static_cast<double>(state.iterations());
}
BENCHMARK(purge_of_a_million_takes_effect)->UseManualTime()->Unit(benchmark::kMicrosecond);

void judge_an_object_of_the_disk(benchmark::State& state) {
  PurgeBook& book = million().book;
  const std::uint64_t stamps[] = {book.now(), label_hash("nshop"), label_hash("hwww.example.org"),
                                  label_hash("uhttp://www.example.org/1"), label_hash("tshop\nb")};
  for (auto _ : state) benchmark::DoNotOptimize(book.holds(stamps));
}
BENCHMARK(judge_an_object_of_the_disk);

}  // namespace
}  // namespace headgate::proxy
