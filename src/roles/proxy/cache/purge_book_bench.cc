// A purge of a million objects that carry one tag, from the order to the moment at which no worker
// finds them in memory and none is taken from the disk; and an object of the disk being judged.
#include <benchmark/benchmark.h>
#include <stdlib.h>
#include <unistd.h>

#include <future>

#include "io/clock.h"
#include "roles/proxy/cache/labels.h"
#include "roles/proxy/cache/purge_book.h"
#include "store/memory/testing/world.h"

namespace headgate::proxy {
namespace {

constexpr std::uint64_t kObjects = 1'000'000;

// A journal in a directory of its own.
class Journal {
 public:
  Journal() { ok_ = ::mkdtemp(directory_) != nullptr; }
  ~Journal() {
    for (const char* name : {"/purges", "/purges.lock"})
      ::unlink((std::string(directory_) + name).c_str());
    if (ok_) ::rmdir(directory_);
  }
  Journal(const Journal&) = delete;
  Journal& operator=(const Journal&) = delete;
  std::string file() const { return std::string(directory_) + "/purges"; }

 private:
  char directory_[32] = "/tmp/purge-bench-XXXXXX";
  bool ok_ = false;
};

struct Million {
  Million() : world(options()), book({journal.file(), true}, world.store) {
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
  const Journal journal;
  store::memory::World world;
  PurgeBook book;
};

Million& million() {
  static Million one;
  return one;
}

// The time of an iteration is that of the effect; the counters say the longest of them, and how
// long a receipt took.
void purge_of_a_million_takes_effect(benchmark::State& state) {
  Million& all = million();
  double until_durable = 0, worst = 0;
  for (auto _ : state) {
    const Instant begin = io::monotonic_now();
    const PurgeReceipt receipt = all.purge(store::memory::Purge::kSoft);
    until_durable += static_cast<double>((io::monotonic_now() - begin).count()) / 1000;
    state.SetIterationTime(static_cast<double>(receipt.memory_effective_us) / 1e6);
    worst = std::max(worst, static_cast<double>(receipt.memory_effective_us));
  }
  state.counters["worst_us"] = worst;
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
