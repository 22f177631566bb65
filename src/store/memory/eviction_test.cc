#include "store/memory/eviction.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <unordered_map>
#include <vector>

#include "base/prng.h"

namespace headgate::store::memory {
namespace {

// The paper, slowly: deques of (id, bytes), everything found by looking at all of it.
class SlowS3Fifo {
 public:
  struct Item {
    std::uint64_t id, bytes;
    int hits = 0;
  };
  static std::uint64_t sum(const std::deque<Item>& queue) {
    std::uint64_t bytes = 0;
    for (const Item& item : queue) bytes += item.bytes;
    return bytes;
  }
  static Item* in(std::deque<Item>& queue, std::uint64_t id) {
    const auto at =
        std::find_if(queue.begin(), queue.end(), [&](const Item& i) { return i.id == id; });
    return at == queue.end() ? nullptr : &*at;
  }
  static bool cut(std::deque<Item>& queue, std::uint64_t id) {
    return std::erase_if(queue, [&](const Item& i) { return i.id == id; }) > 0;
  }
  bool insert(std::uint64_t id, std::uint64_t bytes) {
    const bool seen = cut(ghost, id);
    (seen ? main : small).push_back({id, bytes});
    return seen;
  }
  void hit(std::uint64_t id) {
    for (auto* queue : {&small, &main})
      if (Item* item = in(*queue, id)) item->hits = std::min(item->hits + 1, 3);
  }
  void erase(std::uint64_t id) {
    cut(small, id);
    cut(main, id);
  }
  std::uint64_t evict() {
    while (!small.empty() || !main.empty()) {
      const std::uint64_t all = sum(small) + sum(main);
      if (main.empty() || (!small.empty() && sum(small) * 10 >= all)) {
        Item item = small.front();
        small.pop_front();
        if (item.hits > 1) {
          main.push_back({item.id, item.bytes});
          continue;
        }
        cut(ghost, item.id);
        ghost.push_back(item);
        while (sum(ghost) > all / 10 * 9) ghost.pop_front();
        return item.id;
      }
      Item item = main.front();
      main.pop_front();
      if (item.hits == 0) return item.id;
      --item.hits;
      main.push_back(item);
    }
    return 0;
  }
  std::deque<Item> small, main, ghost;
};

struct Thing : Resident {
  std::uint64_t id = 0;
};

class Pair {
 public:
  void step(Prng& prng, std::uint64_t keys, std::uint64_t limit) {
    // Squared: some keys are asked for much more often.
    const double unit = prng.unit();
    const auto id = 1 + static_cast<std::uint64_t>(unit * unit * static_cast<double>(keys));
    const auto at = things.find(id);
    if (prng.below(50) == 0) {
      if (at == things.end()) return;
      fast.erase(*at->second);
      slow.erase(id);
      things.erase(at);
    } else if (at != things.end()) {
      at->second->touch();
      slow.hit(id);
    } else {
      insert(id, 1 + prng.below(limit / 20), limit);
    }
  }
  void insert(std::uint64_t id, std::uint64_t bytes, std::uint64_t limit) {
    auto thing = std::make_unique<Thing>();
    thing->id = id;
    ASSERT_EQ(fast.insert(*thing, id, bytes), slow.insert(id, bytes));
    things[id] = std::move(thing);
    while (fast.bytes() > limit) {
      Resident* const evicted = fast.evict();
      const std::uint64_t expected = slow.evict();
      ASSERT_NE(evicted, nullptr);
      ASSERT_EQ(static_cast<Thing*>(evicted)->id, expected);
      things.erase(expected);
    }
    ASSERT_EQ(fast.bytes(), SlowS3Fifo::sum(slow.small) + SlowS3Fifo::sum(slow.main));
    ASSERT_EQ(fast.ghosts(), slow.ghost.size());
  }
  Budget budget{1 << 30};
  std::unordered_map<std::uint64_t, std::unique_ptr<Thing>> things;
  S3Fifo fast{budget};
  SlowS3Fifo slow;
};

TEST(S3Fifo, EvictsWhatASlowReadingOfThePaperEvicts) {
  for (std::uint64_t seed = 1; seed <= 30 && !testing::Test::HasFatalFailure(); ++seed) {
    Pair pair;
    Prng prng(seed);
    for (int i = 0; i < 3000 && !testing::Test::HasFatalFailure(); ++i)
      pair.step(prng, 20 + seed * 20, 500 + seed * 100);
  }
}

TEST(S3Fifo, AScanOfOneTimersLeavesTheMainQueueAlone) {
  Budget budget(1 << 30);
  S3Fifo queues(budget);
  std::vector<Thing> hot(50), scan(1000);
  for (std::uint64_t i = 0; i < hot.size(); ++i) {
    queues.insert(hot[i], 1 + i, 10);
    hot[i].touch();
    hot[i].touch();
  }
  for (std::uint64_t i = 0; i < scan.size(); ++i) {
    queues.insert(scan[i], 1000 + i, 10);
    while (queues.bytes() > 600) queues.evict();
  }
  EXPECT_TRUE(std::all_of(hot.begin(), hot.end(), [](const Thing& t) { return t.queued(); }));
}

TEST(S3Fifo, AnEmptyOneEvictsNobody) {
  Budget budget(1 << 30);
  EXPECT_EQ(S3Fifo(budget).evict(), nullptr);
}

TEST(S3Fifo, AReplacementKeepsTheHitsOfWhatItReplaces) {
  Budget budget(1 << 30);
  S3Fifo queues(budget);
  Thing old, fresh, other;
  queues.insert(old, 1, 10);
  old.touch();
  old.touch();
  queues.replace(old, fresh, 12);
  queues.insert(other, 2, 10);
  EXPECT_FALSE(old.queued());
  EXPECT_EQ(queues.bytes(), 22U);
  EXPECT_EQ(queues.evict(), &other);
}

TEST(Ghost, RemembersUpToItsBytesAndGivesItsMemoryBack) {
  Budget budget(1 << 30);
  Ghost ghost(budget);
  const std::uint64_t empty = budget.used();
  for (std::uint64_t id = 1; id <= 100'000; ++id) ghost.remember(id, 10, 500'000);
  EXPECT_EQ(ghost.count(), 50'000U);
  EXPECT_FALSE(ghost.recall(50'000));
  EXPECT_TRUE(ghost.recall(50'001));
  EXPECT_FALSE(ghost.recall(50'001));
  for (std::uint64_t id = 1; id <= 10; ++id) ghost.remember(1'000'000 + id, 10, 100);
  EXPECT_EQ(ghost.count(), 10U);
  EXPECT_LT(budget.used(), empty * 8);
}

}  // namespace
}  // namespace headgate::store::memory
