// Lists, arenas, hashes and histograms.
#include <gtest/gtest.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "base/arena.h"
#include "base/counter.h"
#include "base/hash.h"
#include "base/list.h"
#include "base/prng.h"

namespace headgate {
namespace {

struct Tag;
struct Item : ListNode<Tag> {
  explicit Item(int v) : value(v) {}
  int value;
};

std::vector<int> values(List<Item, Tag>& list) {
  std::vector<int> out;
  for (Item* item = list.empty() ? nullptr : &list.front(); item; item = list.next_of(*item)) out.push_back(item->value);
  return out;
}

TEST(List, KeepsOrderAndForgetsDestroyedItems) {
  List<Item, Tag> list;
  Item a(1), c(3);
  {
    Item b(2);
    list.push_back(a);
    list.push_back(b);
    list.push_back(c);
    EXPECT_EQ(values(list), (std::vector{1, 2, 3}));
  }
  EXPECT_EQ(values(list), (std::vector{1, 3}));
  list.push_front(c);
  EXPECT_EQ(values(list), (std::vector{3, 1}));
  c.unlink();
  c.unlink();
  EXPECT_EQ(values(list), (std::vector{1}));
}

TEST(Arena, ViewsStayValidUntilResetHoweverMuchIsAdded) {
  Arena arena;
  Prng prng(5);
  for (int round = 0; round < 20; ++round) {
    std::vector<std::pair<std::string, std::string_view>> kept;
    for (int i = 0; i < 200; ++i) {
      std::string text(prng.below(300), static_cast<char>('a' + i % 26));
      kept.emplace_back(text, arena.concat({text, "-", text}));
    }
    for (const auto& [text, view] : kept) EXPECT_EQ(view, text + "-" + text);
    arena.reset();
  }
  EXPECT_EQ(arena.decimal(0), "0");
  EXPECT_EQ(arena.decimal(UINT64_MAX), "18446744073709551615");
}

TEST(Hash64, DependsOnEveryByteAndOnTheSeed) {
  const std::string text(100, 'x');
  for (std::size_t length = 0; length <= text.size(); ++length) {
    const std::uint64_t whole = hash64(std::string_view(text).substr(0, length), 1);
    EXPECT_NE(whole, hash64(std::string_view(text).substr(0, length), 2));
    for (std::size_t i = 0; i < length; ++i) {
      std::string changed = text.substr(0, length);
      changed[i] ^= 1;
      EXPECT_NE(whole, hash64(changed, 1)) << length << " " << i;
    }
  }
}

TEST(Histogram, EveryValueFallsIntoTheBucketThatBoundsIt) {
  Prng prng(9);
  for (int i = 0; i < 20000; ++i) {
    const std::uint64_t us = prng.next() >> (25 + prng.below(39));
    const int bucket = Histogram::bucket_of(us);
    EXPECT_LE(us, Histogram::upper_bound(bucket));
    EXPECT_TRUE(bucket == 0 || us > Histogram::upper_bound(bucket - 1));
  }
}

TEST(Prng, BelowIsUniformEnoughToBalanceBy) {
  Prng prng(1);
  std::array<int, 7> seen{};
  for (int i = 0; i < 70000; ++i) ++seen[prng.below(7)];
  for (const int n : seen) EXPECT_NEAR(n, 10000, 400);
}

}  // namespace
}  // namespace headgate
