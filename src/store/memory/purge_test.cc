// Purge by generation, through the store.
#include <gtest/gtest.h>

#include "base/prng.h"
#include "store/memory/testing/world.h"

namespace headgate::store::memory {
namespace {

class PurgeTest : public testing::Test, protected World {
 protected:
  const NamedKey a{"a"}, b{"b"};
};

TEST_F(PurgeTest, ALabelTakesWhatCarriesItAndNothingElse) {
  put_labelled(a, "1", {"tag:x", "host:one"});
  put_labelled(b, "2", {"tag:y", "host:one"});
  store.purge_label("tag:x", Purge::kHard);
  EXPECT_FALSE(has(a));
  EXPECT_TRUE(has(b));
  store.purge_label("tag:nobody", Purge::kHard);
  EXPECT_TRUE(has(b));
  store.purge_label("host:one", Purge::kHard);
  EXPECT_FALSE(has(b));
}

TEST_F(PurgeTest, ASoftPurgeLeavesItStaleUntilItIsFreshened) {
  const Ref<Object> stored = put_labelled(a, "1", {"tag:x"});
  EXPECT_FALSE(find(a).stale(0));
  store.purge_label("tag:x", Purge::kSoft);
  ASSERT_TRUE(has(a));
  EXPECT_TRUE(find(a).stale(0));
  store.purge_label("other", Purge::kHard);
  EXPECT_TRUE(find(a).stale(0)) << "another purge does not make it fresh";
  lead(a).freshen(stored, {}).value();
  EXPECT_FALSE(find(a).stale(0));
}

TEST_F(PurgeTest, EverythingIsEverything) {
  put(a, "1");
  put_labelled(b, "2", {"x"});
  store.purge_everything(Purge::kSoft);
  EXPECT_TRUE(find(a).stale(0) && find(b).stale(0));
  store.purge_everything(Purge::kHard);
  EXPECT_FALSE(has(a) || has(b));
  put(a, "3");
  EXPECT_TRUE(has(a) && !find(a).stale(0)) << "what is stored afterwards is not touched";
}

TEST_F(PurgeTest, AKeyGoesWithAllItsVariants) {
  Draft gzip;
  gzip.secondary = 1;
  gzip.selector = "gzip";
  put(a, "1");
  put(a, "2", gzip);
  put(b, "3");
  store.purge_key(a, Purge::kSoft);
  EXPECT_TRUE(find(a).stale(0) && find(a).stale(1));
  store.purge_key(a, Purge::kHard);
  EXPECT_FALSE(has(a));
  EXPECT_TRUE(has(b));
  EXPECT_EQ(store.counts().keys, 1U);
}

TEST_F(PurgeTest, APrefixIsComparedWithTheLocator) {
  const NamedKey in("GET h/img/1", 4), deeper("GET h/img/x/2", 4), out("GET h/css/img/", 4);
  for (const NamedKey* key : {&in, &deeper, &out}) put(*key, "x");
  ASSERT_TRUE(store.purge_prefix("h/img/", Purge::kHard));
  EXPECT_FALSE(has(in) || has(deeper));
  EXPECT_TRUE(has(out));
  put(in, "y");
  EXPECT_TRUE(has(in)) << "younger than the rule";
}

TEST_F(PurgeTest, APrefixRuleIsFoldedAwayWhenNothingOlderRemains) {
  ASSERT_TRUE(store.purge_prefix("nothing", Purge::kHard));
  EXPECT_EQ(store.counts().prefix_rules, 0U);
  put(a, "1");
  ASSERT_TRUE(store.purge_prefix("zzz", Purge::kHard));
  put(b, "2");
  EXPECT_EQ(store.counts().prefix_rules, 1U);
  store.purge_key(b, Purge::kHard);
  EXPECT_EQ(store.counts().prefix_rules, 1U);
  store.purge_key(a, Purge::kHard);
  EXPECT_EQ(store.counts().prefix_rules, 0U);
}

TEST_F(PurgeTest, MorePrefixesThanFitAreComparedAtOnce) {
  std::vector<NamedKey> keys;
  for (std::size_t i = 0; i < 3 * kPrefixRulesMax; ++i)
    keys.emplace_back("p" + std::to_string(i) + "/x");
  for (const NamedKey& key : keys) put(key, "x");
  put(a, "stays");
  for (std::size_t i = 0; i < keys.size(); i += 2) {
    const Purge how = i % 4 == 0 ? Purge::kHard : Purge::kSoft;
    ASSERT_TRUE(store.purge_prefix("p" + std::to_string(i) + "/", how)) << i;
    ASSERT_LE(store.counts().prefix_rules, kPrefixRulesMax);
  }
  for (std::size_t i = 0; i < keys.size(); ++i) {
    ASSERT_EQ(has(keys[i]), i % 4 != 0) << i;
    if (i % 4 != 0) {
      ASSERT_EQ(find(keys[i]).stale(0), i % 4 == 2) << i;
    }
  }
  EXPECT_TRUE(has(a));
}

TEST_F(PurgeTest, PrefixesThatWaitForAnOldFetchAreRefusedWhenTheListIsFull) {
  Lead old = lead(a);
  for (std::size_t i = 0; i < kPrefixRulesMax; ++i)
    ASSERT_TRUE(store.purge_prefix("p" + std::to_string(i), Purge::kHard));
  const Status refused = store.purge_prefix("one more", Purge::kHard);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, Code::kExhausted);
  old.pass({});
  EXPECT_TRUE(store.purge_prefix("one more", Purge::kHard));
  EXPECT_FALSE(store.purge_prefix(std::string(kPrefixBytesMax + 1, 'x'), Purge::kHard));
}

// The fetch began before the purge, so it may bring what was to go.
TEST_F(PurgeTest, AFetchUnderWayIsPurgedTooByEveryKind) {
  for (const int kind : {0, 1, 2, 3}) {
    Lead leader = lead(a);
    Waiter waiter = std::get<Waiter>(claim(a));
    if (kind == 0) store.purge_label("unknown so far", Purge::kHard);
    if (kind == 1) store.purge_everything(Purge::kHard);
    if (kind == 2) (void)store.purge_prefix("a", Purge::kHard);
    if (kind == 3) store.purge_key(a, Purge::kHard);
    const std::vector<std::string_view> labels{"unknown so far"};
    Draft draft;
    draft.labels = labels;
    Fill fill = leader.fill(draft).value();
    EXPECT_FALSE(has(a)) << kind;
    auto next = waiter.poll();
    ASSERT_TRUE(std::holds_alternative<Lead>(next))
        << "who waits gets a fetch that began after the purge";
    Fill second = std::get<Lead>(next).fill(draft).value();
    second.append("new");
    second.complete();
    EXPECT_TRUE(has(a)) << kind;
    fill.append("old");
    fill.complete();
    EXPECT_EQ(body_of(find(a).take(0)), "new");
    store.purge_key(a, Purge::kHard);
  }
}

TEST_F(PurgeTest, ASoftPurgeOfAFetchUnderWayStoresItStale) {
  for (const int kind : {0, 1}) {
    Lead leader = lead(a);
    kind ? store.purge_key(a, Purge::kSoft) : store.purge_label("t", Purge::kSoft);
    const std::vector<std::string_view> labels{"t"};
    Draft draft;
    draft.labels = labels;
    Fill fill = leader.fill(draft).value();
    ASSERT_TRUE(has(a));
    EXPECT_TRUE(find(a).stale(0));
    fill.complete();
    store.purge_key(a, Purge::kHard);
  }
}

TEST_F(PurgeTest, AFillThatIsPurgedIsReadToItsEndByThoseWhoHaveIt) {
  Fill fill = lead(a).fill({}).value();
  const Ref<Object> object = find(a).take(0);
  store.purge_key(a, Purge::kHard);
  fill.append("rest");
  fill.complete();
  EXPECT_EQ(body_of(object), "rest");
  EXPECT_FALSE(has(a));
}

TEST_F(PurgeTest, AClaimAfterThePurgeOfAKeyDoesNotWaitForAnOlderFetch) {
  Lead old = lead(a);
  store.purge_key(a, Purge::kHard);
  EXPECT_TRUE(std::holds_alternative<Lead>(claim(a)));
}

TEST_F(PurgeTest, LabelsAreCountedAndFreedWithTheirLastObject) {
  put_labelled(a, "1", {"x", "y"});
  put_labelled(b, "2", {"y", "z"});
  EXPECT_EQ(store.counts().labels, 3U);
  store.purge_key(a, Purge::kHard);
  EXPECT_EQ(store.counts().labels, 2U);
  store.purge_key(b, Purge::kHard);
  EXPECT_EQ(store.counts().labels, 0U);
  const std::uint64_t before = store.counts().bytes_used;
  for (int i = 0; i < 2000; ++i) {
    const std::string label = "label " + std::to_string(i);
    put_labelled(a, "1", {label});
    store.purge_key(a, Purge::kHard);
  }
  EXPECT_EQ(store.counts().labels, 0U);
  EXPECT_LE(store.counts().bytes_used, before + 4096) << "rows are used again";
}

TEST_F(PurgeTest, LabelsBeyondTheLimitGoTooEarlyRatherThanNever) {
  Options options = small_options();
  options.labels_max = 4;
  World world(options);
  std::vector<NamedKey> keys;
  for (int i = 0; i < 8; ++i) {
    keys.emplace_back("k" + std::to_string(i));
    world.put_labelled(keys.back(), "x", {"label" + std::to_string(i)});
  }
  EXPECT_EQ(world.store.counts().label_overflows, 4U);
  world.store.purge_label("label6", Purge::kHard);
  EXPECT_FALSE(world.has(keys[6]));
  EXPECT_TRUE(world.has(keys[0]));
  world.put_labelled(keys[7], "x", {"label7"});
  world.store.purge_key(keys[0], Purge::kHard);  // a row is free again
  world.put_labelled(keys[1], "x", {"label7"});
  world.store.purge_label("label7", Purge::kHard);
  EXPECT_FALSE(world.has(keys[7])) << "the row that came later does not hide the one without";
}

TEST_F(PurgeTest, WhatIsPurgedIsFreedByASweepAndByEviction) {
  for (int i = 0; i < 500; ++i)
    put_labelled(NamedKey("k" + std::to_string(i)), std::string(1000, 'x'), {"t"});
  store.purge_label("t", Purge::kHard);
  EXPECT_EQ(store.counts().objects, 500U);
  store.sweep();
  EXPECT_EQ(store.counts().objects, 0U);
  EXPECT_EQ(store.counts().purged, 500U);
  EXPECT_EQ(store.counts().labels, 0U);
}

// After a purge the main queue is full of what nobody can find; it must not stay there.
TEST_F(PurgeTest, APurgedMainQueueGivesItsRoomToWhatComesAfterwards) {
  const std::string body(4000, 'x');
  const auto fill_up = [&](const std::string& name) {
    for (int i = 0; i < 1500; ++i) {
      const NamedKey key(name + std::to_string(i));
      put_labelled(key, body, {name});
      for (int hit = 0; hit < 3; ++hit)
        if (View view = find(key); !view.empty()) (void)view.take(0);
    }
    for (int i = 0; i < 3000; ++i) put(NamedKey(name + "once" + std::to_string(i)), body);
  };
  fill_up("old");
  store.purge_everything(Purge::kHard);
  fill_up("new");
  int kept = 0;
  for (int i = 0; i < 1500; ++i) kept += has(NamedKey("new" + std::to_string(i)));
  EXPECT_GT(kept, 1400);
}

// Against a model that walks over everything.
TEST_F(PurgeTest, RandomPurgesAndFillsAgreeWithAModelThatWalks) {
  struct Stored {
    std::vector<std::string> labels;
    bool present = false, stale = false;
  };
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    World world;
    std::vector<Stored> model(40);
    Prng prng(seed);
    const auto name = [](std::size_t i) {
      return "p" + std::to_string(i % 7) + "/" + std::to_string(i);
    };
    const auto purge = [&](auto&& hits, Purge how) {
      for (std::size_t i = 0; i < model.size(); ++i)
        if (model[i].present && hits(i))
          (how == Purge::kHard ? model[i].present = false : model[i].stale = true);
    };
    for (int step = 0; step < 4000; ++step) {
      const std::size_t i = prng.below(model.size());
      const std::string label = "t" + std::to_string(prng.below(12));
      const Purge how = prng.below(3) ? Purge::kHard : Purge::kSoft;
      switch (prng.below(16)) {
        case 0:
          world.store.purge_label(label, how);
          purge([&](std::size_t k) { return std::ranges::count(model[k].labels, label) > 0; }, how);
          break;
        case 1: {
          const std::string prefix = "p" + std::to_string(i % 7) + "/";
          ASSERT_TRUE(world.store.purge_prefix(prefix, how));
          purge([&](std::size_t k) { return name(k).starts_with(prefix); }, how);
          break;
        }
        case 2:
          world.store.purge_key(NamedKey(name(i)), how);
          purge([&](std::size_t k) { return k == i; }, how);
          break;
        case 3:
          if (prng.below(20) == 0) {
            world.store.purge_everything(how);
            purge([](std::size_t) { return true; }, how);
          }
          break;
        case 4:
          if (prng.below(10) == 0) world.store.sweep();
          break;
        default: {
          const std::string second = "t" + std::to_string(prng.below(12));
          world.put_labelled(NamedKey(name(i)), "x", {label, second});
          model[i] = {{label, second}, true, false};
        }
      }
      for (std::size_t k = 0; k < model.size(); ++k) {
        const View view = world.find(NamedKey(name(k)));
        ASSERT_EQ(!view.empty(), model[k].present)
            << "seed " << seed << " step " << step << " key " << k;
        if (!view.empty()) {
          ASSERT_EQ(view.stale(0), model[k].stale);
        }
      }
    }
  }
}

TEST(AbsentPurges, AreForgottenOnlyTowardsTooEarly) {
  Budget budget(1 << 30);
  AbsentPurges purges(budget);
  for (Stamp at = 1; at <= 20'000; ++at) purges.add(scramble64(at), {at, 0});
  for (Stamp at = 1; at <= 20'000; ++at) ASSERT_GE(purges.of(scramble64(at)).hard, at);
  EXPECT_LT(purges.of(scramble64(1'000'000)).hard, 19'950U) << "the latest are told apart";
}

}  // namespace
}  // namespace headgate::store::memory
