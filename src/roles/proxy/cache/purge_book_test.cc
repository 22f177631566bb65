#include "roles/proxy/cache/purge_book.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <future>

#include "base/prng.h"
#include "io/entropy.h"
#include "io/file.h"
#include "io/test_directory.h"
#include "roles/proxy/cache/labels.h"
#include "store/disk/testing/killed_child.h"
#include "store/memory/testing/world.h"

namespace headgate::proxy {
namespace {

using store::disk::eventually;
using store::memory::NamedKey;
using store::memory::Purge;
using store::memory::World;

PurgeOrder host(std::string name, Purge how = Purge::kHard) {
  return {PurgeScope::kHost, std::move(name), "", how};
}
PurgeOrder tag(std::string name, Purge how = Purge::kHard) {
  return {PurgeScope::kTag, std::move(name), "shop", how};
}
const PurgeOrder kEverything{PurgeScope::kEverything, "", "", Purge::kHard};

struct Book {
  Book(const io::TestDirectory& directory, store::memory::Store& memory, bool has_disk = true)
      : book({directory / "cache-purges", has_disk}, memory) {}

  PurgeBook::Outcome order(PurgeOrder order, std::optional<std::uint64_t> id = {},
                           std::span<const model::CacheKeyPolicy* const> keys = {}) {
    std::promise<PurgeBook::Outcome> promise;
    book.carry_out({std::move(order), id}, keys,
                   [&](PurgeBook::Outcome outcome) { promise.set_value(std::move(outcome)); });
    return promise.get_future().get();
  }
  // As an object that is fetched now and stored with these labels.
  std::vector<std::uint64_t> stamps(std::vector<std::string> labels) {
    EXPECT_TRUE(eventually([&] { return book.is_loaded(); }));
    std::vector<std::uint64_t> out{book.now()};
    for (const std::string& label : labels) out.push_back(label_hash(label));
    return out;
  }
  PurgeBook book;
};

class PurgeBookTest : public testing::Test {
 protected:
  const io::TestDirectory directory;
  World world;
};

TEST_F(PurgeBookTest, AReceiptSaysWhatWasDoneAndThatItLasts) {
  Book book(directory, world.store);
  const NamedKey key("a");
  world.put_labelled(key, "x", {"ha"});
  const auto first = book.order(host("a"));
  ASSERT_TRUE(first);
  EXPECT_FALSE(world.has(key));
  EXPECT_EQ(first->numbered.id, 1U);
  EXPECT_EQ(first->numbered.order, host("a"));
  EXPECT_TRUE(first->durable) << first->trouble;
  EXPECT_TRUE(first->disk_effective_us);
  EXPECT_EQ(book.order(host("b"))->numbered.id, 2U);
}

TEST_F(PurgeBookTest, EachScopeReachesMemoryAndDisk) {
  Book book(directory, world.store);
  model::CacheKeyPolicy none;
  none.query = model::CacheKeyPolicy::Query::kNone;
  const model::CacheKeyPolicy* const keys[] = {&none};
  const PurgeOrder orders[] = {
      {PurgeScope::kUrl, "http://a/i/x?utm=1", "", Purge::kHard},
      {PurgeScope::kPrefix, "http://a/i", "", Purge::kHard},
      host("a"),
      tag("news"),
      {PurgeScope::kNamespace, "", "shop", Purge::kHard},
      kEverything,
  };
  for (const PurgeOrder& order : orders) {
    const NamedKey hit("http://a/i/x"), other("http://b/i/x");
    world.put_labelled(hit, "x", {"nshop", "ha", "uhttp://a/i/x", "tshop\nnews"});
    world.put_labelled(other, "x", {"nother", "hb", "uhttp://b/i/x", "tother\nnews"});
    const auto on_disk = book.stamps({"nshop", "ha", "uhttp://a/i/x", "tshop\nnews"});
    const auto other_on_disk = book.stamps({"nother", "hb", "uhttp://b/i/x", "tother\nnews"});
    ASSERT_TRUE(book.order(order, {}, keys));
    const bool is_all = order.scope == PurgeScope::kEverything;
    EXPECT_FALSE(world.has(hit)) << to_string(order.scope);
    EXPECT_EQ(world.has(other), !is_all) << to_string(order.scope);
    EXPECT_TRUE(book.book.standing(on_disk, "http://a/i/x").gone) << to_string(order.scope);
    EXPECT_EQ(book.book.standing(other_on_disk, "http://b/i/x").gone, is_all);
    const auto later = book.stamps({"nshop", "ha", "uhttp://a/i/x", "tshop\nnews"});
    EXPECT_FALSE(book.book.standing(later, "http://a/i/x").gone) << "fetched afterwards";
  }
}

TEST_F(PurgeBookTest, ASoftPurgeTellsSinceWhen) {
  Book book(directory, world.store);
  const auto stamps = book.stamps({"ha"});
  const WallTime before = io::wall_now();
  const auto receipt = book.order(host("a", Purge::kSoft));
  const auto standing = book.book.standing(stamps, "");
  EXPECT_TRUE(standing.stale && !standing.gone);
  EXPECT_TRUE(book.book.holds(stamps));
  EXPECT_EQ(book.book.soft_purged_since(before), receipt->numbered.time);
  EXPECT_FALSE(book.book.soft_purged_since(receipt->numbered.time));
}

TEST_F(PurgeBookTest, ARestartKeepsToWhatWasOrdered) {
  std::vector<std::uint64_t> purged, kept, invalidated, below, soft;
  const WallTime before = io::wall_now();
  {
    Book book(directory, world.store);
    purged = book.stamps({"ha"});
    kept = book.stamps({"hb"});
    invalidated = book.stamps({"uhttp://c/"});
    below = book.stamps({"hd"});
    soft = book.stamps({"he"});
    book.book.invalidate("uhttp://c/");
    for (const PurgeOrder& order :
         {host("a"), PurgeOrder{PurgeScope::kPrefix, "http://d/", "", Purge::kHard},
          host("e", Purge::kSoft)})
      ASSERT_TRUE(book.order(order));
  }
  for (int restart = 0; restart < 3; ++restart) {
    Book book(directory, world.store);
    ASSERT_TRUE(eventually([&] { return book.book.is_loaded(); }));
    EXPECT_FALSE(book.book.holds(purged));
    EXPECT_TRUE(book.book.holds(kept));
    EXPECT_FALSE(book.book.holds(invalidated));
    EXPECT_TRUE(book.book.standing(below, "http://d/x").gone);
    EXPECT_TRUE(book.book.standing(soft, "").stale);
    EXPECT_TRUE(book.book.soft_purged_since(before));
    EXPECT_EQ(book.book.orders_since(0).orders.size(), 3U + static_cast<std::size_t>(restart));
    EXPECT_EQ(book.order(host("z"))->numbered.id, 4U + static_cast<std::uint64_t>(restart));
  }
}

TEST_F(PurgeBookTest, WithoutItsJournalOrWithADamagedOneTheDiskIsNotTrusted) {
  const std::string file = directory / "cache-purges";
  for (const char* what : {"missing", "damaged", "written without a disk"}) {
    std::vector<std::uint64_t> stored;
    {
      Book book(directory, world.store);
      ASSERT_TRUE(book.order(host("a")));
      stored = book.stamps({"hb"});
      ASSERT_TRUE(book.order(host("a")));
      EXPECT_TRUE(book.book.holds(stored));
    }
    {
      Book again(directory, world.store);
      ASSERT_TRUE(eventually([&] { return again.book.is_loaded(); }));
      EXPECT_TRUE(again.book.holds(stored));
    }
    if (what == std::string("missing")) {
      ASSERT_EQ(::unlink(file.c_str()), 0);
    }
    if (what == std::string("damaged")) {
      std::string bytes = *io::read_file(file, 1 << 20);
      bytes[40] ^= 1;
      ASSERT_TRUE(io::write_file_atomically(file, bytes));
    }
    if (what == std::string("written without a disk")) {
      Book without(directory, world.store, false);
      EXPECT_FALSE(without.order(host("b"))->disk_effective_us);
    }
    Book book(directory, world.store);
    ASSERT_TRUE(eventually([&] { return book.book.is_loaded(); }));
    EXPECT_FALSE(book.book.holds(stored)) << what;
    EXPECT_TRUE(book.book.holds(book.stamps({"hb"}))) << "what is fetched now is good";
  }
}

TEST_F(PurgeBookTest, OrdersAreReplayedOnceAndWithoutGaps) {
  Book book(directory, world.store);
  EXPECT_EQ(book.order(host("a"), 5)->numbered.id, 5U) << "an empty book begins anywhere";
  const NamedKey key("a");
  world.put_labelled(key, "x", {"ha"});
  const auto again = book.order(host("a"), 5);
  EXPECT_TRUE(again->known_before && again->durable);
  EXPECT_TRUE(world.has(key)) << "it was carried out before";
  EXPECT_FALSE(book.order(host("a"), 6)->known_before);
  EXPECT_FALSE(world.has(key));
  const auto gap = book.order(host("b"), 9);
  ASSERT_FALSE(gap);
  EXPECT_NE(gap.error().message.find("9 follows 6"), std::string::npos) << gap.error().message;
  EXPECT_EQ(book.order(kEverything, 9)->numbered.id, 9U) << "it covers what is missing";
  EXPECT_EQ(book.order(host("b"))->numbered.id, 10U);
}

TEST_F(PurgeBookTest, OrdersSinceANumberAreGivenPageByPageAndForgottenInTheEnd) {
  Book book(directory, world.store);
  const std::size_t count = PurgeBook::kOrdersKept + 10;
  ASSERT_TRUE(eventually([&] { return book.book.is_loaded(); }));
  for (std::size_t i = 1; i < count; ++i)
    book.book.carry_out({host("h" + std::to_string(i)), {}}, {}, [](const auto&) {});
  ASSERT_TRUE(book.order(host("last")));
  EXPECT_FALSE(book.book.orders_since(0).is_complete) << "the first ten are forgotten";
  std::uint64_t id = 10;
  std::size_t seen = 0;
  for (auto page = book.book.orders_since(id); !page.orders.empty();
       page = book.book.orders_since(id)) {
    ASSERT_TRUE(page.is_complete);
    ASSERT_LE(page.orders.size(), PurgeBook::kPage);
    for (const NumberedOrder& one : page.orders) ASSERT_EQ(one.id, ++id);
    seen += page.orders.size();
  }
  EXPECT_EQ(seen, PurgeBook::kOrdersKept);
  EXPECT_EQ(book.book.orders_since(id).newest, count);
}

TEST_F(PurgeBookTest, OneProcessHasTheJournalAndTheNextOneWaitsForIt) {
  World second_world;
  auto first = std::make_unique<Book>(directory, world.store);
  ASSERT_TRUE(first->order(host("a")));
  Book second(directory, second_world.store);
  const NamedKey key("a");
  second_world.put_labelled(key, "x", {"ha"});
  std::promise<PurgeBook::Outcome> promise;
  second.book.carry_out({host("a"), {}}, {},
                        [&](PurgeBook::Outcome outcome) { promise.set_value(std::move(outcome)); });
  EXPECT_FALSE(second_world.has(key)) << "memory obeys at once";
  EXPECT_FALSE(second.book.is_loaded());
  EXPECT_FALSE(second.book.holds(std::vector<std::uint64_t>{1}));
  second_world.put_labelled(key, "x", {"hb"});
  ASSERT_TRUE(first->order(host("b")));
  first->book.close();
  const auto receipt = promise.get_future().get();
  EXPECT_EQ(receipt->numbered.id, 3U) << "behind the orders of the first";
  EXPECT_FALSE(second_world.has(key)) << "what the first was told meanwhile holds here too";
  const auto late = first->order(host("c"));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, Code::kUnavailable);
}

TEST_F(PurgeBookTest, AJournalThatCannotBeWrittenIsSaidAndTriedAgain) {
  World other;
  PurgeBook book({directory / "later/cache-purges", true}, other.store);
  const auto order = [&](PurgeOrder what) {
    std::promise<PurgeBook::Outcome> promise;
    book.carry_out({std::move(what), {}}, {}, [&](auto outcome) { promise.set_value(outcome); });
    return promise.get_future().get();
  };
  const auto lost = order(host("a"));
  ASSERT_TRUE(lost);
  EXPECT_FALSE(lost->durable);
  EXPECT_NE(lost->trouble.find("later"), std::string::npos) << lost->trouble;
  EXPECT_TRUE(book.is_failing());
  EXPECT_GE(book.failures(), 1U);
  EXPECT_EQ(book.trouble(), lost->trouble);
  ASSERT_TRUE(io::ensure_directory(directory / "later"));
  EXPECT_TRUE(order(host("b"))->durable);
  EXPECT_FALSE(book.is_failing());
  EXPECT_EQ(book.trouble(), "");
  book.close();
  PurgeBook again({directory / "later/cache-purges", true}, other.store);
  ASSERT_TRUE(eventually([&] { return again.is_loaded(); }));
  EXPECT_EQ(again.orders_since(0).orders.size(), 2U) << "the first one is there after all";
}

TEST_F(PurgeBookTest, AJournalThatHasGrownIsWrittenAnew) {
  PurgeBook book({directory / "cache-purges", true, 1 << 16}, world.store);
  ASSERT_TRUE(eventually([&] { return book.is_loaded(); }));
  const std::vector<std::uint64_t> stored{book.now(), label_hash("uhttp://a/0")};
  std::atomic<int> done = 0;
  for (int i = 0; i < 3000; ++i) {
    book.invalidate("uhttp://a/" + std::to_string(i % 7));
    if (i % 100 == 0)
      book.carry_out({host("a"), {}}, {}, [&](const auto& outcome) { done += outcome->durable; });
  }
  ASSERT_TRUE(eventually([&] { return done == 30; }));
  book.close();
  EXPECT_LT(io::read_file(directory / "cache-purges", 1 << 20)->size(), 1U << 16);
  PurgeBook again({directory / "cache-purges", true}, world.store);
  ASSERT_TRUE(eventually([&] { return again.is_loaded(); }));
  EXPECT_FALSE(again.holds(stored));
  EXPECT_EQ(again.orders_since(0).newest, 30U);
}

// Many threads fetch, store, look up and purge at once. Whoever began to look after a purge was
// answered never finds what is older.
TEST_F(PurgeBookTest, AfterAReceiptNobodyFindsWhatIsOlder) {
  Book book(directory, world.store);
  (void)book.stamps({});
  constexpr int kTags = 8;
  struct Slot {
    std::mutex mutex;
    std::vector<std::uint64_t> stamps;
    std::uint64_t version = 0;
  };
  std::array<Slot, kTags> disk;
  std::array<std::atomic<std::uint64_t>, kTags> versions{}, purged{};
  std::atomic<bool> stop{false};
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 2; ++t)
    threads.emplace_back([&, t] {
      Prng prng(static_cast<std::uint64_t>(t));
      while (!stop) {
        const std::size_t i = prng.below(kTags);
        if (prng.below(2)) {  // fetch and store
          const Moment born = book.book.now();
          const std::uint64_t version = versions[i].load();
          const std::lock_guard hold(disk[i].mutex);
          disk[i].stamps = {born, label_hash("tshop\n" + std::to_string(i))};
          disk[i].version = version;
        } else {  // look up
          const std::uint64_t least = purged[i].load();
          const std::lock_guard hold(disk[i].mutex);
          if (!disk[i].stamps.empty() && disk[i].version < least && book.book.holds(disk[i].stamps))
            ++wrong;
        }
      }
    });
  Prng prng(77);
  for (int i = 0; i < 300; ++i) {
    const std::size_t which = prng.below(kTags);
    const std::uint64_t version = ++versions[which];  // the origin has something new
    ASSERT_TRUE(book.order(tag(std::to_string(which))));
    purged[which] = version;
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
}

// Against a model that remembers every order, over restarts.
TEST_F(PurgeBookTest, RandomOrdersAndRestartsAgreeWithAModelThatRemembersAll) {
  struct Stored {
    std::vector<std::uint64_t> stamps;
    std::string tag, host;
    bool gone = false, stale = false;
  };
  Prng prng(4);
  auto book = std::make_unique<Book>(directory, world.store);
  std::vector<Stored> objects;
  for (int step = 0; step < 600; ++step) {
    if (prng.below(60) == 0) {
      book.reset();
      book = std::make_unique<Book>(directory, world.store);
    }
    const std::string a = std::to_string(prng.below(5)), b = std::to_string(prng.below(5));
    if (prng.below(3)) {
      objects.push_back({book->stamps({"tshop\n" + a, "h" + b}), a, b});
      continue;
    }
    const Purge how = prng.below(2) ? Purge::kHard : Purge::kSoft;
    const bool by_tag = prng.below(2) != 0;
    ASSERT_TRUE(book->order(by_tag ? tag(a, how) : host(b, how)));
    for (Stored& one : objects)
      if (by_tag ? one.tag == a : one.host == b)
        (how == Purge::kHard ? one.gone : one.stale) = true;
    for (const Stored& one : objects) {
      const auto standing = book->book.standing(one.stamps, "");
      ASSERT_EQ(standing.gone, one.gone) << step;
      ASSERT_EQ(standing.stale, one.stale) << step;
    }
  }
}

// A process that purges is killed at any moment, again and again: what had a receipt holds
// afterwards, numbers go on, and what was stored after the last purge of its tag is not lost.
struct Progress {
  std::array<std::atomic<Moment>, 8> durable;  // of each tag: a moment before its last purge
  std::array<std::atomic<Moment>, 8> changed;  // the same of invalidations
  std::atomic<std::uint64_t> last_id, steps;
};

[[noreturn]] void purge_for_ever(const io::TestDirectory& directory, Progress& progress,
                                 std::uint64_t seed) {
  World world;
  Book book(directory, world.store);
  (void)book.stamps({});
  Prng prng(seed);
  while (true) {
    const std::size_t i = prng.below(progress.durable.size());
    const Moment before = book.book.now();
    const auto receipt = book.order(tag(std::to_string(i)));
    if (!receipt || !receipt->durable || receipt->numbered.id <= progress.last_id) ::_exit(2);
    for (std::size_t url = 0; url < progress.changed.size(); ++url) {
      const Moment unchanged = book.book.now();
      book.book.invalidate("uhttp://a/" + std::to_string(url));
      progress.changed[url] = unchanged;
    }
    progress.durable[i] = before;
    progress.last_id = receipt->numbered.id;
    ++progress.steps;
  }
}

TEST(PurgeBookCrash, WhatHadAReceiptHoldsAfterAKill) {
  const io::TestDirectory directory;
  store::disk::SharedWithChildren<Progress> shared;
  Progress& progress = *shared;
  Prng random(io::random_u64());
  std::vector<std::uint64_t> survivor;
  for (int round = 0; round < 12; ++round) {
    const std::uint64_t seed = random.next();
    ASSERT_NO_FATAL_FAILURE(store::disk::kill_after(
        progress.steps, 1 + random.below(50), [&] { purge_for_ever(directory, progress, seed); }));
    World world;
    Book book(directory, world.store);
    const auto fresh = book.stamps({"hkept"});
    EXPECT_TRUE(book.book.holds(fresh));
    EXPECT_TRUE(survivor.empty() || book.book.holds(survivor)) << "nothing named it";
    survivor = fresh;
    EXPECT_GE(book.book.orders_since(0).newest, progress.last_id);
    progress.last_id = book.book.orders_since(0).newest;
    for (std::size_t i = 0; i < progress.changed.size(); ++i) {
      const std::vector<std::uint64_t> old{progress.changed[i],
                                           label_hash("uhttp://a/" + std::to_string(i))};
      EXPECT_FALSE(book.book.holds(old)) << "round " << round << " URL " << i;
    }
    for (std::size_t i = 0; i < progress.durable.size(); ++i) {
      if (progress.durable[i] == 0) continue;
      const std::vector<std::uint64_t> old{progress.durable[i],
                                           label_hash("tshop\n" + std::to_string(i))};
      EXPECT_FALSE(book.book.holds(old)) << "round " << round << " tag " << i;
    }
  }
}

}  // namespace
}  // namespace headgate::proxy
