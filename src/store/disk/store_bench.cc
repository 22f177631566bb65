// Restart with a million objects, bytes of index for each, and throughput. Directories are made
// below $TMPDIR or /tmp; the page cache is warm, as after a restart of the process.
#include <benchmark/benchmark.h>
#include <stdlib.h>

#include <cstdio>
#include <string>

#include "base/check.h"
#include "base/prng.h"
#include "io/directory.h"
#include "store/disk/checkpoint.h"
#include "store/disk/testing/waiting_store.h"

namespace {

using namespace headgate;
using namespace headgate::store::disk;

class Directory {
 public:
  Directory() {
    const char* base = ::getenv("TMPDIR");
    path_ = std::string(base ? base : "/tmp") + "/headgate-bench-XXXXXX";
    HG_CHECK(::mkdtemp(path_.data()) != nullptr, "a place to measure");
  }
  ~Directory() {
    const auto names = io::list_names(path_);
    for (const std::string& name : names.value_or(std::vector<std::string>{}))
      (void)io::remove_file(path_ + "/" + name);
    (void)::remove(path_.c_str());
  }
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  Options options() const {
    Options out;
    out.directory = path_;
    out.total_bytes = std::uint64_t{4} << 30;
    return out;
  }
  void remove(const std::string& name) const { (void)io::remove_file(path_ + "/" + name); }

 private:
  std::string path_;
};

std::unique_ptr<Store> open(const Options& options) {
  auto store = Store::open(options);
  HG_CHECK(store.has_value(), "the directory is good");
  return std::move(*store);
}

// Waits only when the queue is full.
void fill(Store& store, std::uint64_t count, const std::string& body) {
  std::atomic<std::uint64_t> done = 0;
  for (std::uint64_t i = 0; i < count;) {
    const Admission admission = store.put(object_of(i, body), [&](WriteOutcome outcome) {
      HG_CHECK(outcome == WriteOutcome::kDone, "the disk has room");
      ++done;
    });
    HG_CHECK(admission == Admission::kAccepted || admission == Admission::kBusy, "nothing else");
    if (admission == Admission::kAccepted) {
      ++i;
    } else {
      eventually([&] { return done == i; });
    }
  }
  eventually([&] { return done == count; });
}

const Directory& million() {
  static const Directory directory;
  static const bool filled = [] {
    fill(*open(directory.options()), 1'000'000, "a small body");
    return true;
  }();
  HG_CHECK(filled, "once");
  return directory;
}

void BM_ReloadMillionFromCheckpoint(benchmark::State& state) {
  const Options options = million().options();
  for (auto _ : state) {
    auto store = open(options);
    state.PauseTiming();
    HG_CHECK(store->recovered().from_checkpoint && store->figures().objects == 1'000'000, "all");
    state.counters["index_bytes_per_object"] =
        static_cast<double>(store->figures().index_bytes) / 1e6;
    store.reset();
    state.ResumeTiming();
  }
}

void BM_ReloadMillionByScan(benchmark::State& state) {
  const Options options = million().options();
  for (auto _ : state) {
    state.PauseTiming();
    million().remove(kCheckpointName);
    state.ResumeTiming();
    auto store = open(options);
    state.PauseTiming();
    HG_CHECK(store->recovered().records_scanned >= 1'000'000, "all");
    store.reset();
    state.ResumeTiming();
  }
}

void BM_Write(benchmark::State& state) {
  const Directory directory;
  const auto store = open(directory.options());
  const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
  const std::uint64_t count = (std::uint64_t{128} << 20) / (body.size() + 256) + 1;
  for (auto _ : state) fill(*store, count, body);
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(count));
  state.SetBytesProcessed(state.items_processed() * state.range(0));
}

void BM_Read(benchmark::State& state) {
  const Directory directory;
  const auto store = open(directory.options());
  const std::string body(static_cast<std::size_t>(state.range(0)), 'x');
  const std::uint64_t count = 100;
  fill(*store, count, body);
  constexpr std::uint64_t kAtOnce = 64;
  Prng random(1);
  for (auto _ : state) {
    std::atomic<std::uint64_t> done = 0;
    for (std::uint64_t i = 0; i < kAtOnce; ++i) {
      const std::uint64_t number = random.below(count);
      const auto finish = [&](ReadResult result) {
        HG_CHECK(result.outcome == ReadOutcome::kHit, "it is there");
        if (++done == kAtOnce) done.notify_one();
      };
      HG_CHECK(
          store->get({id_of(number), key_of(number), "selector"}, finish) == Admission::kAccepted,
          "the queue has room");
    }
    for (std::uint64_t seen = done; seen != kAtOnce; seen = done) done.wait(seen);
  }
  state.SetItemsProcessed(state.iterations() * static_cast<std::int64_t>(kAtOnce));
  state.SetBytesProcessed(state.items_processed() * state.range(0));
}

void BM_IndexFind(benchmark::State& state) {
  Index index;
  Prng random(1);
  for (int i = 0; i < 1'000'000; ++i) index.put(random.next(), Location(Place{1, 1}, 1));
  const bool there = state.range(0) == 1;
  Prng again(there ? 1 : 2);
  std::int64_t found = 0;
  int left = 1'000'000;
  for (auto _ : state) {
    found += index.find(again.next()).has_value();
    if (--left == 0) {
      again = Prng(there ? 1 : 2);
      left = 1'000'000;
    }
  }
  benchmark::DoNotOptimize(found);
}

BENCHMARK(BM_ReloadMillionFromCheckpoint)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_ReloadMillionByScan)->Unit(benchmark::kMillisecond)->UseRealTime();
BENCHMARK(BM_Write)->Arg(1 << 10)->Arg(1 << 16)->Arg(1 << 20)->Iterations(3)->UseRealTime();
BENCHMARK(BM_Read)->Arg(1 << 10)->Arg(1 << 16)->Arg(1 << 20)->UseRealTime();
BENCHMARK(BM_IndexFind)->Arg(0)->Arg(1);

}  // namespace
