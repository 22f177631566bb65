#include "store/memory/store.h"

#include <gtest/gtest.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
extern "C" std::size_t __sanitizer_get_current_allocated_bytes();
#else
#include <malloc.h>
#endif

#include "base/prng.h"
#include "store/memory/testing/world.h"

namespace headgate::store::memory {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr double kAllocatorRounding = 0.1;  // the sizes that sanitizers round to are not glibc's
#else
constexpr double kAllocatorRounding = 0.03;
#endif

std::uint64_t allocated_by_process() {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  return __sanitizer_get_current_allocated_bytes();
#else
  const struct mallinfo2 info = mallinfo2();
  return info.uordblks + info.hblkhd;
#endif
}

class MemoryStore : public testing::Test, protected World {};

TEST_F(MemoryStore, WhatIsPutIsFoundWithAllItsParts) {
  struct Metadata {
    std::uint64_t version;
    char kind[16];
  };
  const Metadata metadata{42, "page"};
  Draft draft;
  draft.metadata = {reinterpret_cast<const char*>(&metadata), sizeof metadata};
  draft.head = "HTTP/1.1 200 OK\r\n\r\n";
  draft.selector = "accept-encoding: gzip";
  draft.secondary = 9;
  const NamedKey key("host/path");
  put(key, "body", draft);
  const View view = find(key);
  ASSERT_EQ(view.size(), 1U);
  EXPECT_EQ(view[0].metadata_as<Metadata>().version, 42U);
  EXPECT_EQ(view[0].head(), draft.head);
  EXPECT_EQ(view[0].selector(), draft.selector);
  EXPECT_EQ(view[0].secondary(), 9U);
  EXPECT_EQ(body_of(view.take(0)), "body");
  EXPECT_FALSE(has(NamedKey("host/other")));
  EXPECT_EQ(store.counts().hits, 1U);
  EXPECT_EQ(store.counts().misses, 1U);
}

TEST_F(MemoryStore, ACollisionOfTheHashIsAMissAndNeverAnotherBody) {
  const Hash128 same{1, 2};
  const Key a{same, "a", {}}, b{same, "b", {}};
  put(a, "of a");
  EXPECT_FALSE(has(b));
  put(b, "of b");
  EXPECT_EQ(body_of(find(a).take(0)), "of a");
  EXPECT_EQ(body_of(find(b).take(0)), "of b");
}

TEST_F(MemoryStore, AViewStaysTrueToItselfWhateverHappensToTheTable) {
  const NamedKey key("k");
  put(key, "first");
  const View view = find(key);
  put(key, "second");
  store.purge_everything(Purge::kHard);
  store.sweep();
  EXPECT_EQ(body_of(view.take(0)), "first");
}

TEST_F(MemoryStore, AHundredThousandKeysAreFoundAgain) {
  Options options = small_options();
  options.bytes_max = 256 << 20;
  World world(options);
  for (int i = 0; i < 100'000; ++i)
    world.put(NamedKey("key " + std::to_string(i)), std::to_string(i));
  for (int i = 0; i < 100'000; ++i) {
    const View view = world.find(NamedKey("key " + std::to_string(i)));
    ASSERT_EQ(view.size(), 1U);
    ASSERT_EQ(world.body_of(view.take(0)), std::to_string(i));
  }
}

TEST_F(MemoryStore, TheLimitHoldsAndIsWhatTheProcessAllocates) {
  const std::uint64_t before = allocated_by_process();
  World world;
  Prng prng(1);
  std::vector<std::string> labels;
  for (int i = 0; i < 200; ++i) labels.push_back("label " + std::to_string(i));
  for (int i = 0; i < 20'000; ++i) {
    Draft draft;
    const std::string head(200 + prng.below(500), 'h');
    const std::vector<std::string_view> two{labels[prng.below(200)], labels[prng.below(200)]};
    draft.head = head;
    draft.metadata = std::string_view(head).substr(0, 128);
    draft.labels = two;
    world.put(NamedKey("https host/path/" + std::to_string(i)), std::string(prng.below(4000), 'b'),
              draft);
    ASSERT_LE(world.store.counts().bytes_used, world.store.options().bytes_max) << i;
  }
  const Counts counts = world.store.counts();
  EXPECT_GT(counts.bytes_used, counts.bytes_max - 100'000);
  EXPECT_GT(counts.ghosts, counts.objects / 2);
  const auto real = static_cast<double>(allocated_by_process() - before);
  EXPECT_NEAR(real / static_cast<double>(counts.bytes_used), 1.0, kAllocatorRounding);
}

TEST_F(MemoryStore, WhatIsReadOrFilledSurvivesItsEvictionAndIsCharged) {
  const NamedKey read("read"), filled("filled");
  const Ref<Object> reading = put(read, std::string(500'000, 'r'));
  Fill filling = lead(filled).fill({}).value();
  filling.append("f");
  for (int i = 0; i < 2000; ++i) put(NamedKey("k" + std::to_string(i)), std::string(10'000, 'x'));
  EXPECT_FALSE(has(read));
  EXPECT_TRUE(has(filled));
  EXPECT_EQ(body_of(reading), std::string(500'000, 'r'));
  const Counts counts = store.counts();
  EXPECT_LT(counts.objects * 10'000, (8 << 20) - 500'000U)
      << "the room that is read is not given twice";
}

TEST_F(MemoryStore, WhatComesBackAfterItsEvictionWasSeenBefore) {
  const NamedKey key("twice");
  EXPECT_FALSE(put(key, std::string(1000, 'x'))->seen_before());
  for (int i = 0; has(key); ++i) put(NamedKey("k" + std::to_string(i)), std::string(1000, 'x'));
  const Ref<Object> again = put(key, std::string(1000, 'x'));
  EXPECT_TRUE(again->seen_before());
  EXPECT_TRUE(lead(key).freshen(again, {}).value()->seen_before());
}

TEST_F(MemoryStore, AnObjectThatGrowsTooLargePassesThroughAndIsNotKept) {
  const NamedKey key("large");
  Fill fill = lead(key).fill({}).value();
  BodyReader body(find(key).take(0)->body(), queue, wake);
  const std::string piece(40'000, 'x');
  std::string got;
  std::uint64_t sent = 0;
  for (int i = 0; i < 100; ++i) {
    ASSERT_GE(fill.room(), piece.size());
    fill.append(piece);
    sent += piece.size();
    take(body, got);
    EXPECT_EQ(fill.passing(), sent > store.options().object_bytes_max);
    EXPECT_EQ(has(key), !fill.passing());
  }
  EXPECT_LT(store.counts().bytes_used, 600'000U);
  EXPECT_TRUE(fill.read_by_somebody());
  fill.complete();
  take(body, got);
  EXPECT_EQ(got.size(), sent);
  EXPECT_EQ(body.next(), BodyReader::Next::kEnd);
  EXPECT_FALSE(has(key));
  EXPECT_EQ(store.counts().passed_through, 1U);
}

TEST_F(MemoryStore, AFillThatPassesThroughIsCountedOnceHoweverItEnds) {
  for (const bool fails : {true, false}) {
    Fill fill = lead(NamedKey(fails ? "fails" : "is left")).fill({}).value();
    fill.pass_through();
    if (fails) fill.fail();
  }
  EXPECT_EQ(store.counts().passed_through, 2U);
}

TEST_F(MemoryStore, AFillThatNothingCanMakeRoomForPassesThrough) {
  Options options = small_options();
  options.object_bytes_max = 64 << 20;
  World world(options);
  std::vector<Fill> fills;
  for (int i = 0; i < 4; ++i)
    fills.push_back(world.lead(NamedKey("fill" + std::to_string(i))).fill({}).value());
  for (int round = 0; round < 100; ++round)
    for (Fill& fill : fills) fill.append(std::string(60'000, 'x'));
  EXPECT_TRUE(std::ranges::any_of(fills, [](const Fill& f) { return f.passing(); }));
  EXPECT_LE(world.store.counts().bytes_used, world.store.options().bytes_max + 4 * kBlockBytesMax);
}

TEST_F(MemoryStore, NothingIsLeftWhenEverythingIsPurged) {
  std::vector<NamedKey> keys;
  for (int i = 0; i < 300; ++i) keys.emplace_back("k" + std::to_string(i));
  for (const NamedKey& key : keys) put_labelled(key, "body", {"a", "b"});
  for (const NamedKey& key : keys) store.purge_key(key, Purge::kHard);
  const Counts counts = store.counts();
  EXPECT_EQ(counts.objects + counts.keys + counts.labels, 0U);
}

}  // namespace
}  // namespace headgate::store::memory
