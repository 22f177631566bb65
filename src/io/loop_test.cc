#include "io/loop.h"

#include <gtest/gtest.h>

#include <string>
#include <thread>

#include "io/stream.h"

namespace headgate::io {
namespace {

class Counting : public EventHandler {
 public:
  void on_io(std::uint32_t events) override { seen |= events, ++calls; }
  std::uint32_t seen = 0;
  int calls = 0;
};

TEST(Loop, DeliversReadinessOfAConnection) {
  Loop loop;
  auto listener = listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(listener) << listener.error().message;
  auto client = connect_stream({local_endpoint(listener->get()), ""});
  ASSERT_TRUE(client) << client.error().message;
  Counting handler;
  ASSERT_TRUE(loop.add(listener->get(), EPOLLIN, handler));
  loop.turn(1s);
  EXPECT_EQ(handler.calls, 1);
  auto accepted = accept_stream(listener->get());
  ASSERT_TRUE(accepted);
  EXPECT_EQ(accepted->peer, local_endpoint(client->get()));
}

TEST(Loop, RunsPostedTasksInOrderOnItsThread) {
  Loop loop;
  std::string order;
  std::thread::id ran_on;
  std::thread poster([&] {
    for (char c = 'a'; c <= 'e'; ++c) ASSERT_TRUE(loop.mailbox().post([&order, c] { order += c; }));
    ASSERT_TRUE(loop.mailbox().post([&] { ran_on = std::this_thread::get_id(); }));
    loop.stop();
  });
  loop.run();
  poster.join();
  loop.mailbox().drain();
  EXPECT_EQ(order, "abcde");
  EXPECT_EQ(ran_on, std::this_thread::get_id());
}

TEST(Loop, ARetiredHandlerGetsNoMoreEventsInTheSameTurn) {
  Loop loop;
  auto listener = listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(listener);
  auto client = connect_stream({local_endpoint(listener->get()), ""});
  ASSERT_TRUE(client);
  auto counting = std::make_unique<Counting>();
  Counting* raw = counting.get();
  ASSERT_TRUE(loop.add(listener->get(), EPOLLIN, *raw));
  loop.retire(std::move(counting));
  loop.remove(listener->get());
  loop.turn(1ms);
  SUCCEED();  // the sanitizer build shows a use after free here
}

TEST(Loop, DeferredWorkRunsOnceATurn) {
  Loop loop;
  int runs = 0;
  Deferred work([](void* n) { ++*static_cast<int*>(n); }, &runs);
  loop.defer(work);
  loop.defer(work);
  loop.turn(1ms);
  EXPECT_EQ(runs, 1);
}

TEST(Stream, TellsThatTheKernelBufferIsDrained) {
  auto listener = listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(listener);
  auto client = connect_stream({local_endpoint(listener->get()), ""});
  ASSERT_TRUE(client);
  auto accepted = accept_stream(listener->get());
  ASSERT_TRUE(accepted);
  ASSERT_EQ(send(client->get(), std::string_view("hello")).bytes, 5u);
  Stream stream(std::move(accepted->fd));
  char buffer[3];
  EXPECT_EQ(stream.read(buffer, 3).bytes, 3u);
  EXPECT_FALSE(stream.drained());
  EXPECT_EQ(stream.read(buffer, 3).bytes, 2u);
  EXPECT_TRUE(stream.drained());
  EXPECT_EQ(stream.read(buffer, 3).state, Transfer::State::kWouldBlock);
  client->reset();
  EXPECT_EQ(stream.read(buffer, 3).state, Transfer::State::kClosed);
}

}  // namespace
}  // namespace headgate::io
