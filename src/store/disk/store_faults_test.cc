// The store on a disk that is slow, full or broken.
#include <gtest/gtest.h>

#include <atomic>
#include <map>
#include <thread>

#include "store/disk/checkpoint.h"
#include "store/disk/testing/faulty_files.h"
#include "store/disk/testing/memory_files.h"
#include "store/disk/testing/waiting_store.h"

namespace headgate::store::disk {
namespace {

struct StoreFaults : ::testing::Test {
  MemoryFiles memory;
  Faults faults;
  Options options = [] {
    Options out;
    out.total_bytes = 4 << 16;
    out.segment_bytes = 1 << 16;
    out.readers = 1;
    out.probe_pauses = {1ms, 8ms};
    return out;
  }();
  std::unique_ptr<Store> store;

  bool open() {
    store.reset();
    auto opened = Store::open(options, std::make_unique<FaultyFiles>(memory, faults));
    if (opened) store = std::move(*opened);
    return store != nullptr;
  }
  bool stores_again() {
    return eventually([&] { return put(*store, object_of(77, "again")).done(); });
  }
};

TEST_F(StoreFaults, AFullDiskIsPassedByAndComesBackByItself) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put(*store, object_of(1, "one")).done());
  faults.fail(static_cast<unsigned>(Call::kWrite));
  EXPECT_EQ(put(*store, object_of(2, "two")).outcome, WriteOutcome::kFailed);
  EXPECT_EQ(put(*store, object_of(2, "two")).admission, Admission::kUnavailable);
  ASSERT_TRUE(store->alarms().writing);
  EXPECT_EQ(store->alarms().writing->why, "injected: No space left on device");
  EXPECT_FALSE(store->alarms().reading);
  EXPECT_TRUE(get(*store, 1).hit()) << "what is there is served";
  EXPECT_EQ(get(*store, 2).admission, Admission::kAbsent);
  ASSERT_TRUE(eventually([&] { return faults.failed() > 5; })) << "it is probed without requests";
  EXPECT_GT(store->counters().value(Count::kPassedThrough), 0u);
  faults.heal();
  EXPECT_TRUE(eventually([&] { return !store->alarms().writing; }));
  EXPECT_TRUE(put(*store, object_of(2, "two")).done());
  ASSERT_TRUE(open());
  EXPECT_EQ(get(*store, 1).result.body.view, "one");
  EXPECT_EQ(get(*store, 2).result.body.view, "two");
}

TEST_F(StoreFaults, ADiskThatDoesNotSyncIsPassedBy) {
  options.sync_interval = 1ms;
  ASSERT_TRUE(open());
  faults.fail(static_cast<unsigned>(Call::kSync));
  ASSERT_TRUE(put(*store, object_of(1, "one")).done());
  EXPECT_TRUE(eventually([&] { return store->alarms().writing.has_value(); }));
  faults.heal();
  EXPECT_TRUE(stores_again());
}

TEST_F(StoreFaults, ADiskThatDoesNotReadIsPassedByAfterSomeFailures) {
  options.read_failures_borne = 3;
  ASSERT_TRUE(open());
  ASSERT_TRUE(put(*store, object_of(1, "one")).done());
  faults.fail(static_cast<unsigned>(Call::kRead));
  for (int i = 0; i < 4; ++i) EXPECT_EQ(get(*store, 1).result.outcome, ReadOutcome::kFailed) << i;
  EXPECT_TRUE(store->alarms().reading);
  EXPECT_TRUE(eventually([&] { return get(*store, 1).admission == Admission::kUnavailable; }));
  faults.heal();
  EXPECT_TRUE(eventually([&] { return get(*store, 1).hit(); }));
  EXPECT_FALSE(store->alarms().reading);
}

TEST_F(StoreFaults, AFullQueueSaysSoAtOnceAndLosesNothingThatItTook) {
  options.writes_queued = {3, 1 << 20};
  options.reads_queued = {3, std::size_t{100} << 20};
  ASSERT_TRUE(open());
  ASSERT_TRUE(put(*store, object_of(100, "there")).done());
  for (const Call kind : {Call::kWrite, Call::kRead}) {
    faults.hold(kind);
    std::atomic<int> accepted = 0, done = 0, busy = 0;
    for (std::uint64_t i = 0; i < 20; ++i) {
      const Admission admission =
          kind == Call::kWrite
              ? store->put(object_of(i, "x"), [&](WriteOutcome) { ++done; })
              : store->get({id_of(100), key_of(100), "selector"}, [&](ReadResult) { ++done; });
      (admission == Admission::kAccepted ? accepted : busy)++;
      EXPECT_TRUE(admission == Admission::kAccepted || admission == Admission::kBusy);
    }
    EXPECT_GE(accepted, 3);
    EXPECT_LE(accepted, 4) << "three in the queue, one in the thread";
    EXPECT_EQ(done, 0);
    faults.release();
    EXPECT_TRUE(eventually([&] { return done == accepted; }));
  }
  EXPECT_GT(store->counters().value(Count::kWritesBusy), 0u);
  EXPECT_GT(store->counters().value(Count::kReadsBusy), 0u);
}

TEST_F(StoreFaults, ACancelledRequestIsNeverAnswered) {
  ASSERT_TRUE(open());
  ASSERT_TRUE(put(*store, object_of(1, "one")).done());
  std::atomic<bool> called = false;
  faults.hold(Call::kRead);
  Ticket reading, queued, writing;
  const auto ask = [&](Ticket ticket) {
    return store->get(
        {id_of(1), key_of(1), "selector"}, [&](ReadResult) { called = true; }, ticket);
  };
  ASSERT_EQ(ask(reading), Admission::kAccepted);
  ASSERT_TRUE(eventually([&] { return faults.waiting() == 1; }));
  ASSERT_EQ(ask(queued), Admission::kAccepted);
  EXPECT_TRUE(reading.cancel());
  EXPECT_TRUE(queued.cancel());
  faults.release();
  EXPECT_TRUE(get(*store, 1).hit()) << "and the ones before are over now";
  faults.hold(Call::kWrite);
  std::thread first([&] { put(*store, object_of(2, "two")); });
  ASSERT_TRUE(eventually([&] { return faults.waiting() == 1; }));
  ASSERT_EQ(store->put(
                object_of(3, "three"), [&](WriteOutcome) { called = true; }, writing),
            Admission::kAccepted);
  EXPECT_TRUE(writing.cancel());
  faults.release();
  first.join();
  EXPECT_TRUE(put(*store, object_of(4, "four")).done());
  EXPECT_EQ(get(*store, 3).admission, Admission::kAbsent) << "it was not written either";
  EXPECT_FALSE(called);
}

TEST_F(StoreFaults, TheEndAnswersEverybodyOnce) {
  for (int round = 0; round < 20; ++round) {
    ASSERT_TRUE(open());
    ASSERT_TRUE(put(*store, object_of(1, "one")).done());
    std::atomic<int> answers = 0;
    faults.hold(Call::kRead);
    int accepted = 0;
    for (int i = 0; i < 10; ++i) {
      accepted += store->get({id_of(1), key_of(1), "selector"}, [&](ReadResult result) {
        EXPECT_TRUE(result.outcome == ReadOutcome::kHit || result.outcome == ReadOutcome::kClosed);
        ++answers;
      }) == Admission::kAccepted;
      accepted +=
          store->put(object_of(50, "x"), [&](WriteOutcome) { ++answers; }) == Admission::kAccepted;
    }
    std::thread end([&] { store.reset(); });
    faults.release();
    end.join();
    EXPECT_EQ(answers, accepted);
  }
}

// What may be found of one number: the version that was done last, or one that was tried since.
struct Known {
  std::uint64_t done = 0, tried = 0;
  bool removed = false, removal_tried = false;
};

class Script {
 public:
  explicit Script(Store& store, std::map<std::uint64_t, Known>& known)
      : store_(store), known_(known) {}
  void store_one(std::uint64_t number, std::size_t bytes) {
    Known& known = known_[number];
    const std::uint64_t version = ++known.tried;
    if (!put(store_, object_of(number, body_of(number, version, bytes))).done()) return;
    known.done = version;
    known.removed = known.removal_tried = false;
  }
  void remove_one(std::uint64_t number) {
    known_[number].removal_tried = true;
    known_[number].removed = remove(store_, number).done();
  }
  // `strict`: nothing was damaged that a scan had to read.
  void check(bool strict) {
    for (const auto& [number, known] : known_) {
      const auto body = whole_body(store_, number);
      if (!body) continue;
      const auto version = version_of(number, *body);
      ASSERT_TRUE(version) << "wrong bytes for " << number;
      ASSERT_LE(*version, known.tried);
      if (!strict) continue;
      ASSERT_GE(*version, known.done) << number;
      ASSERT_TRUE(!known.removed || *version > known.done) << number << " is removed";
    }
  }
  // More than the directory holds, with replacements and removals.
  void run() {
    for (std::uint64_t i = 0; i < 12; ++i) store_one(i % 8, 10'000 + 3000 * i);
    remove_one(3);
    store_one(20, 0);
    check(false);
    remove_one(20);
    store_one(5, 50'000);
  }

 private:
  Store& store_;
  std::map<std::uint64_t, Known>& known_;
};

// Each call of the file interface fails once, or goes on failing for a while, in turn.
struct StoreFaultsInTurn : StoreFaults,
                           ::testing::WithParamInterface<std::pair<unsigned, std::uint64_t>> {};
INSTANTIATE_TEST_SUITE_P(Kinds, StoreFaultsInTurn,
                         ::testing::Values(std::pair(kEveryCall, 1), std::pair(kEveryCall, 5),
                                           std::pair(kWritingCalls, 1),
                                           std::pair(kWritingCalls, 5)));

TEST_P(StoreFaultsInTurn, AnyCallMayFailAndNothingWrongIsServed) {
  const auto [kinds, count] = GetParam();
  options.sync_interval = 2ms;
  // What a scan cannot read at the start may have been a replacement or a removal.
  const bool strict = kinds == kWritingCalls;
  {
    bool reached = true;
    std::uint64_t call = 0;
    for (; reached; ++call) {
      MemoryFiles fresh;
      std::map<std::uint64_t, Known> known;
      const auto open_on = [&](bool faulty) {
        store.reset();
        if (!faulty) faults.heal();
        auto opened = Store::open(options, std::make_unique<FaultyFiles>(fresh, faults));
        if (opened) store = std::move(*opened);
        return opened.has_value();
      };
      ASSERT_TRUE(open_on(false));
      Script(*store, known).run();
      if (call % 2 == 0) {
        ASSERT_TRUE(fresh.remove(kCheckpointName));
      }
      const std::uint64_t before = faults.failed();
      store.reset();
      faults.fail(kinds, call, count);
      if (open_on(true)) {
        Script script(*store, known);
        script.check(strict);
        script.run();
        ASSERT_TRUE(stores_again()) << "call " << call;
        script.check(strict);
      }
      ASSERT_TRUE(open_on(false)) << "call " << call;
      Script(*store, known).check(strict);
      ASSERT_TRUE(stores_again());
      reached = faults.failed() > before;
      store.reset();
    }
    EXPECT_GT(call, 30u) << "as many calls were tried";
  }
}

}  // namespace
}  // namespace headgate::store::disk
