#include "store/disk/store.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "io/directory.h"
#include "io/file.h"
#include "io/mailbox.h"
#include "io/test_directory.h"
#include "store/disk/testing/memory_files.h"
#include "store/disk/testing/waiting_store.h"

namespace headgate::store::disk {
namespace {

struct StoreTest : ::testing::Test {
  io::TestDirectory directory;
  Options options = [this] {
    Options out;
    out.directory = directory / "cache";
    out.total_bytes = 4 << 20;
    out.segment_bytes = 1 << 20;
    return out;
  }();
  std::unique_ptr<Store> store;

  void open() {
    store.reset();
    auto opened = Store::open(options);
    ASSERT_TRUE(opened) << opened.error().message;
    store = std::move(*opened);
  }
  std::string path_of(const std::string& name) { return options.directory + "/" + name; }
};

TEST_F(StoreTest, GivesBackEveryPartOfAnObject) {
  open();
  NewObject object = object_of(1, "body", {5, 6});
  ASSERT_TRUE(put(*store, std::move(object)).done());
  const Got got = get(*store, 1);
  ASSERT_TRUE(got.hit());
  EXPECT_EQ(got.result.object->id(), id_of(1));
  EXPECT_EQ(got.result.object->key(), key_of(1));
  EXPECT_EQ(got.result.object->selector(), "selector");
  EXPECT_EQ(got.result.object->metadata(), "metadata");
  EXPECT_EQ(got.result.object->head(), "head");
  EXPECT_EQ(got.result.object->stamps(), (std::vector<std::uint64_t>{5, 6}));
  EXPECT_EQ(got.result.object->expires_at(), kNever);
  EXPECT_EQ(got.result.body.view, "body");
  EXPECT_EQ(get(*store, 2).admission, Admission::kAbsent);
}

TEST_F(StoreTest, ReadsAnyPartOfASmallAndOfALargeBody) {
  open();
  Prng random(1);
  for (const std::size_t bytes :
       {std::size_t{100'000}, kReadWholeBytes + 5000, std::size_t{700'000}}) {
    const std::string body = body_of(1, bytes, bytes);
    ASSERT_TRUE(put(*store, object_of(1, body)).done());
    for (int i = 0; i < 50; ++i) {
      const std::uint64_t offset = random.below(bytes + 10), length = random.below(bytes);
      const Got got = get(*store, {id_of(1), key_of(1), "selector", offset, length});
      ASSERT_TRUE(got.hit());
      ASSERT_EQ(got.result.body.view,
                std::string_view(body).substr(std::min<std::size_t>(offset, bytes), length));
    }
  }
}

TEST_F(StoreTest, ALargeBodyTravelsInSlicesOfItself) {
  options.segment_bytes = 8 << 20;
  options.total_bytes = 32 << 20;
  open();
  const std::string body = body_of(1, 1, 3 * kSliceBytes + 77);
  ASSERT_TRUE(put(*store, object_of(1, body)).done());
  EXPECT_EQ(get(*store, 1).result.body.view.size(), kSliceBytes) << "never more at once";
  EXPECT_EQ(whole_body(*store, 1), body);
}

TEST_F(StoreTest, TheSameHashWithAnotherKeyOrSelectorIsAMiss) {
  open();
  ASSERT_TRUE(put(*store, object_of(1, "body")).done());
  EXPECT_EQ(get(*store, {id_of(1), "/other", "selector"}).result.outcome, ReadOutcome::kMiss);
  EXPECT_EQ(get(*store, {id_of(1), key_of(1), "other"}).result.outcome, ReadOutcome::kMiss);
  EXPECT_EQ(store->counters().value(Count::kMismatches), 2u);
  EXPECT_TRUE(get(*store, 1).hit()) << "it is still there for whom it belongs to";
}

TEST_F(StoreTest, WhatIsReplacedOrRemovedStaysSoAcrossARestart) {
  for (const bool with_checkpoint : {true, false}) {
    open();
    ASSERT_TRUE(put(*store, object_of(1, "old")).done());
    ASSERT_TRUE(put(*store, object_of(1, "new")).done());
    ASSERT_TRUE(put(*store, object_of(2, "gone")).done());
    ASSERT_TRUE(remove(*store, 2).done());
    EXPECT_EQ(get(*store, 2).admission, Admission::kAbsent);
    store.reset();
    if (!with_checkpoint) {
      ASSERT_TRUE(io::remove_file(path_of("checkpoint")));
    }
    open();
    EXPECT_EQ(store->recovered().from_checkpoint, with_checkpoint);
    EXPECT_EQ(store->recovered().records_scanned > 0, !with_checkpoint);
    EXPECT_EQ(get(*store, 1).result.body.view, "new");
    EXPECT_EQ(get(*store, 2).admission, Admission::kAbsent);
  }
}

TEST_F(StoreTest, AnObjectWhoseStampsNoLongerHoldIsNotFound) {
  static std::atomic<std::uint64_t> generation;
  generation = 5;
  options.stamps.holds = [](const void*, std::span<const std::uint64_t> stamps) {
    return std::ranges::all_of(stamps, [](std::uint64_t s) { return s >= generation.load(); });
  };
  open();
  ASSERT_TRUE(put(*store, object_of(1, "body", {5, 9})).done());
  ASSERT_TRUE(put(*store, object_of(2, "body", {})).done());
  EXPECT_TRUE(get(*store, 1).hit());
  generation = 6;
  EXPECT_EQ(get(*store, 1).result.outcome, ReadOutcome::kMiss);
  EXPECT_EQ(store->counters().value(Count::kStale), 1u);
  EXPECT_EQ(get(*store, 1).admission, Admission::kAbsent) << "it is forgotten";
  EXPECT_TRUE(get(*store, 2).hit());
}

TEST_F(StoreTest, AnExpiredObjectIsNotFound) {
  open();
  ASSERT_TRUE(put(*store, object_of(1, "body", {}, io::wall_now())).done());
  EXPECT_EQ(get(*store, 1).result.outcome, ReadOutcome::kMiss);
  EXPECT_EQ(store->figures().objects, 0u);
}

TEST_F(StoreTest, StaysWithinItsSizeAndGivesUpTheOldestFirst) {
  open();
  for (std::uint64_t i = 0; i < 100; ++i)
    ASSERT_TRUE(put(*store, object_of(i, body_of(i, 1, 100'000))).done());
  EXPECT_LE(store->figures().segment_bytes, options.total_bytes);
  EXPECT_GT(store->counters().value(Count::kReclaimed), 0u);
  EXPECT_FALSE(get(*store, 0).hit());
  for (std::uint64_t i = 75; i < 100; ++i)
    EXPECT_EQ(version_of(i, whole_body(*store, i).value_or("")), 1u) << i;
  std::size_t segments = 0;
  const auto names = io::list_names(options.directory).value();
  for (const std::string& name : names) segments += segment_number(name).has_value();
  EXPECT_LE(segments, 4u);
  EXPECT_LE(store->figures().objects, 40u) << "nothing points into segments that are gone";
}

TEST_F(StoreTest, WhatWasOfUseIsSavedFromTheSegmentThatGoes) {
  open();
  ASSERT_TRUE(put(*store, object_of(1, body_of(1, 1, 1000))).done());
  ASSERT_TRUE(put(*store, object_of(2, body_of(2, 1, 1000))).done());
  ASSERT_TRUE(get(*store, 1).hit());
  std::uint64_t next = 100;
  const auto fill = [&] {
    ++next;
    ASSERT_TRUE(put(*store, object_of(next, body_of(next, 1, 100'000))).done());
  };
  while (store->figures().segments < 4) fill();
  for (int i = 0; i < 5; ++i) fill();  // into the second half of the last one
  ASSERT_TRUE(eventually([&] { return store->counters().value(Count::kReadmitted) == 1; }));
  while (store->counters().value(Count::kReclaimed) == 0) fill();
  EXPECT_EQ(get(*store, 1).result.body.view, body_of(1, 1, 1000));
  EXPECT_FALSE(get(*store, 2).hit()) << "it was of no use";
  store.reset();
  ASSERT_TRUE(io::remove_file(path_of("checkpoint")));
  open();
  EXPECT_TRUE(get(*store, 1).hit());
}

TEST_F(StoreTest, AnObjectThatIsHeldStaysReadableWhenItsSegmentIsReclaimed) {
  open();
  const std::string body = body_of(1, 1, 600'000);
  ASSERT_TRUE(put(*store, object_of(1, body)).done());
  const auto object = get(*store, {id_of(1), key_of(1), "selector", 0, 10}).result.object;
  for (std::uint64_t i = 100; i < 160; ++i)
    ASSERT_TRUE(put(*store, object_of(i, body_of(i, 1, 100'000))).done());
  ASSERT_FALSE(get(*store, 1).hit());
  EXPECT_EQ(object->read_body(0, 600'000)->view, body);
}

TEST_F(StoreTest, RefusesWhatIsTooLarge) {
  open();
  EXPECT_EQ(put(*store, object_of(1, std::string(1 << 20, 'x'))).admission, Admission::kRefused);
  NewObject object = object_of(1, "body");
  const std::string metadata(kMetadataBytesMax + 1, 'x');
  object.metadata = metadata;
  EXPECT_EQ(put(*store, object).admission, Admission::kRefused);
  EXPECT_EQ(store->counters().value(Count::kRefused), 2u);
  options.objects_max = 1;
  open();
  EXPECT_TRUE(put(*store, object_of(1, "body")).done());
  EXPECT_EQ(put(*store, object_of(2, "body")).admission, Admission::kRefused);
}

TEST_F(StoreTest, BelongsToOneProcess) {
  open();
  const auto second = Store::open(options);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
}

TEST_F(StoreTest, ADirectoryOfAnotherFormatIsRefusedAndStaysAsItIs) {
  open();
  ASSERT_TRUE(put(*store, object_of(1, "body")).done());
  store.reset();
  const std::string format = io::read_file(path_of("format"), 100).value();
  std::string other = format;
  const std::string own = "format " + std::to_string(kFormatVersion);
  other.replace(other.find(own), own.size(), "format " + std::to_string(kFormatVersion + 1));
  const auto before = io::list_names(options.directory).value();
  for (const std::string& text :
       {other, std::string("garbage"), std::string(), format + "x", std::string(100'000, 'x')}) {
    ASSERT_TRUE(io::write_file_atomically(path_of("format"), text));
    const auto opened = Store::open(options);
    ASSERT_FALSE(opened) << text;
    EXPECT_EQ(opened.error().code, Code::kInvalid);
    EXPECT_NE(opened.error().message.find(options.directory), std::string::npos);
  }
  ASSERT_TRUE(io::remove_file(path_of("format")));
  EXPECT_FALSE(Store::open(options)) << "segments without a format file";
  ASSERT_TRUE(io::write_file_atomically(path_of("format"), format));
  EXPECT_EQ(io::list_names(options.directory).value(), before);
  open();
  EXPECT_TRUE(get(*store, 1).hit());
}

TEST_F(StoreTest, OptionsOutOfBoundsAreNamed) {
  options.segment_bytes = 1000;
  EXPECT_NE(Store::open(options).error().message.find("segment_bytes"), std::string::npos);
  options.segment_bytes = 1 << 20;
  options.total_bytes = 1 << 20;
  EXPECT_NE(Store::open(options).error().message.find("total_bytes"), std::string::npos);
}

TEST_F(StoreTest, ASmallerLimitIsKeptWithTheNextSegment) {
  options.total_bytes = 16 << 20;
  open();
  for (std::uint64_t i = 0; i < 100; ++i)
    ASSERT_TRUE(put(*store, object_of(i, body_of(i, 1, 100'000))).done());
  options.total_bytes = 4 << 20;
  open();
  EXPECT_LE(store->figures().segment_bytes, options.total_bytes);
  EXPECT_TRUE(get(*store, 99).hit());
}

// The way a worker uses it: the completion posts, the task runs on the worker's thread.
TEST_F(StoreTest, AnswersThroughTheMailboxOfAWorker) {
  open();
  ASSERT_TRUE(put(*store, object_of(1, "body")).done());
  io::Mailbox mailbox;
  std::string seen;
  ASSERT_EQ(store->get({id_of(1), key_of(1), "selector"},
                       [&](ReadResult result) {
                         EXPECT_TRUE(mailbox.post(
                             [&seen, result = std::move(result)] { seen = result.body.view; }));
                       }),
            Admission::kAccepted);
  EXPECT_TRUE(eventually([&] {
    mailbox.drain();
    return !seen.empty();
  }));
  EXPECT_EQ(seen, "body");
}

}  // namespace
}  // namespace headgate::store::disk
