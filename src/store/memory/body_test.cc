#include "store/memory/body.h"

#include <gtest/gtest.h>

#include <thread>

#include "base/prng.h"
#include "store/memory/testing/world.h"

namespace headgate::store::memory {
namespace {

using Next = BodyReader::Next;

std::string pattern(std::size_t bytes, std::uint64_t seed = 1) {
  std::string text(bytes, '\0');
  Prng prng(seed);
  for (char& c : text) c = static_cast<char>(prng.next());
  return text;
}

class BodyTest : public testing::Test {
 protected:
  Ref<Body> body(std::optional<std::uint64_t> expected = {}) {
    return Body::create(budget, expected);
  }
  Budget budget{1 << 30};
  CountedWake wake;
  int rings = 0;
  WakeQueue queue{[this] { ++rings; }};
};

TEST_F(BodyTest, AReaderGetsWhatIsThereAndThenTheEnd) {
  const Ref<Body> b = body();
  BodyReader reader(b, queue, wake);
  EXPECT_EQ(reader.next(), Next::kWait);
  b->append("hello ");
  EXPECT_EQ(reader.next(), Next::kBytes);
  std::string text;
  World::take(reader, text);
  EXPECT_EQ(reader.next(), Next::kWait);
  b->append("world");
  b->finish(BodyState::kComplete);
  World::take(reader, text);
  EXPECT_EQ(text, "hello world");
  EXPECT_EQ(reader.next(), Next::kEnd);
}

TEST_F(BodyTest, EveryLengthInEveryStepIsReadBackAsItWasWritten) {
  for (const std::size_t bytes : {0UL, 1UL, 1023UL, 1024UL, 1025UL, 65472UL, 65473UL, 300'000UL})
    for (const std::size_t step : {1UL, 1000UL, 70'000UL, 400'000UL})
      for (const bool known : {false, true}) {
        if (step == 1 && bytes > 2000) continue;
        const std::string sent = pattern(bytes);
        const Ref<Body> b = body(known ? std::optional<std::uint64_t>(bytes) : std::nullopt);
        for (std::size_t at = 0; at < bytes; at += step)
          b->append(std::string_view(sent).substr(at, step));
        b->finish(BodyState::kComplete);
        BodyReader reader(b, queue, wake);
        std::string got;
        while (reader.next() == Next::kBytes) World::take(reader, got, 777);
        ASSERT_EQ(got, sent) << bytes << " by " << step;
        ASSERT_EQ(reader.next(), Next::kEnd);
      }
  EXPECT_EQ(budget.used(), 0U);
}

TEST_F(BodyTest, AKnownLengthWastesNothing) {
  const Ref<Body> b = body(100'000);
  b->append(pattern(100'000));
  EXPECT_LT(b->charge(), 100'000 + 400U);
}

TEST_F(BodyTest, ARangeBeginsByPassingWhatIsBeforeIt) {
  const std::string sent = pattern(200'000);
  const Ref<Body> b = body();
  b->append(sent);
  b->finish(BodyState::kComplete);
  BodyReader reader(b, queue, wake);
  reader.consume(123'456);
  std::string got;
  World::take(reader, got, 1000);
  EXPECT_EQ(got, sent.substr(123'456, got.size()));
  EXPECT_EQ(got.size(), 1000U);
}

TEST_F(BodyTest, AWaitingReaderIsWokenOnceForManyChanges) {
  const Ref<Body> b = body();
  BodyReader reader(b, queue, wake);
  ASSERT_TRUE(reader.wait());
  b->append("a");
  b->append("b");
  ASSERT_FALSE(reader.wait()) << "there is something to read";
  EXPECT_EQ(rings, 1);
  queue.drain();
  EXPECT_EQ(wake.count, 1);
}

TEST_F(BodyTest, EachEndWakesEverybody) {
  for (const BodyState end : {BodyState::kComplete, BodyState::kFailed, BodyState::kAbandoned}) {
    const Ref<Body> b = body();
    BodyReader one(b, queue, wake), other(b, queue, wake);
    wake.count = 0;
    ASSERT_TRUE(one.wait() && other.wait());
    b->finish(end);
    queue.drain();
    EXPECT_EQ(wake.count, 2);
    EXPECT_EQ(one.next(), end == BodyState::kComplete ? Next::kEnd : Next::kCut);
    EXPECT_FALSE(other.wait());
  }
}

TEST_F(BodyTest, AReaderThatLeavesIsNotWokenInAnyState) {
  const Ref<Body> b = body();
  {
    BodyReader never_waited(b, queue, wake);
  }
  {
    BodyReader waiting(b, queue, wake);
    ASSERT_TRUE(waiting.wait());
  }
  b->append("x");
  {
    BodyReader on_the_way(b, queue, wake);
    on_the_way.consume(1);
    ASSERT_TRUE(on_the_way.wait());
    b->append("y");
  }
  queue.drain();
  EXPECT_EQ(wake.count, 0);
  EXPECT_EQ(b->readers(), 0U);
}

TEST_F(BodyTest, AQueueThatDiesWithWakeUpsOnTheWayLeaksNothing) {
  const Ref<Body> b = body();
  WakeQueue short_lived{[] {}};
  BodyReader reader(b, short_lived, wake);
  ASSERT_TRUE(reader.wait());
  b->append("x");  // the leak checker looks at the rest
}

TEST_F(BodyTest, APassThroughKeepsOnlyWhatItsSlowestReaderHasNotRead) {
  const Ref<Body> b = body();
  BodyReader slow(b, queue, wake), fast(b, queue, wake);
  const std::string sent = pattern(2'000'000);
  b->pass_through();
  std::string by_slow, by_fast;
  std::uint64_t most = 0;
  CountedWake writer_wake;
  Wakeup writer(queue, writer_wake);
  for (std::size_t at = 0; at < sent.size();) {
    const std::uint64_t room = b->room();
    if (room == 0) {
      ASSERT_TRUE(b->wait_for_room(writer.waker()));
      const int before = writer_wake.count;
      while (writer_wake.count == before) {  // the slow one catches up
        ASSERT_EQ(slow.next(), Next::kBytes);
        World::take(slow, by_slow, 10'000);
        queue.drain();
      }
      continue;
    }
    const std::size_t n =
        std::min({sent.size() - at, static_cast<std::size_t>(room), std::size_t{40'000}});
    b->append(std::string_view(sent).substr(at, n));
    at += n;
    World::take(fast, by_fast);
    most = std::max(most, budget.used());
  }
  b->finish(BodyState::kComplete);
  while (slow.next() == Next::kBytes) World::take(slow, by_slow);
  while (fast.next() == Next::kBytes) World::take(fast, by_fast);
  EXPECT_TRUE(by_slow == sent);
  EXPECT_TRUE(by_fast == sent);
  EXPECT_LE(most, kPassWindowBytes + 3 * kBlockBytesMax);
  EXPECT_EQ(BodyReader(b, queue, wake).next(), Next::kGone);
}

TEST_F(BodyTest, AReaderThatLeavesAPassThroughLetsTheWriterGoOn) {
  const Ref<Body> b = body();
  auto reader = std::make_optional<BodyReader>(b, queue, wake);
  b->pass_through();
  while (b->room() > 0) b->append(pattern(50'000));
  Wakeup writer(queue, wake);
  ASSERT_TRUE(b->wait_for_room(writer.waker()));
  reader.reset();
  queue.drain();
  EXPECT_EQ(wake.count, 1);
  EXPECT_EQ(b->room(), Body::kUnlimited);
  EXPECT_LT(budget.used(), 3 * kBlockBytesMax);
}

// One writer, three readers on their own threads that wait by their queues; at some length it
// becomes a pass-through.
void stream_to_threads(std::uint64_t pass_at) {
  Budget budget(1 << 30);
  const std::string sent = pattern(3'000'000, pass_at);
  Ref<Body> body = Body::create(budget, std::nullopt);
  std::atomic<int> opened{0}, right{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 3; ++t)
    threads.emplace_back([&, t] {
      std::atomic<std::uint32_t> rung{0};
      WakeQueue queue([&] {
        rung = 1;
        rung.notify_one();
      });
      CountedWake wake;
      std::string got;
      {
        BodyReader reader(body, queue, wake);
        ++opened;
        while (reader.next() == Next::kBytes || reader.next() == Next::kWait) {
          World::take(reader, got, 1000U << (3 * t));
          if (!reader.wait()) continue;
          rung.wait(0);
          rung = 0;
          queue.drain();
        }
        right += reader.next() == Next::kEnd && got == sent;
      }
      --opened;
      while (opened > 0) std::this_thread::yield();  // the writer may still ring
    });
  while (opened < 3) std::this_thread::yield();
  Prng prng(3);
  for (std::size_t at = 0; at < sent.size();) {
    if (at >= pass_at && !body->passing()) body->pass_through();
    const std::size_t n =
        std::min<std::size_t>({sent.size() - at, prng.below(30'000), body->room()});
    if (n == 0) std::this_thread::yield();
    body->append(std::string_view(sent).substr(at, n));
    at += n;
  }
  body->finish(BodyState::kComplete);
  for (std::thread& t : threads) t.join();
  EXPECT_EQ(right, 3);
}

TEST_F(BodyTest, ReadersOnOtherThreadsFollowTheWriterToTheEnd) { stream_to_threads(UINT64_MAX); }
TEST_F(BodyTest, ReadersOnOtherThreadsFollowAPassThrough) { stream_to_threads(500'000); }

}  // namespace
}  // namespace headgate::store::memory
