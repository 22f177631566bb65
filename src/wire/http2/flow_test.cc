// Flow control: nothing lost, buffers bounded, a slow reader holds up itself alone.
#include <gtest/gtest.h>

#include <map>

#include "base/prng.h"
#include "wire/http2/testing/frames.h"
#include "wire/http2/testing/recorders.h"

namespace headgate::wire::http2 {
namespace {

using testing::Loopback;

char byte_of(StreamId id, std::size_t at) {
  return static_cast<char>(scramble64(at * 131 + static_cast<std::uint64_t>(id)));
}

struct Transfer {
  std::size_t size = 0, sent = 0, consumed = 0;
  bool stopped = false;
};

// Sends what the buffer takes, in random pieces; true when it moved.
void push(Session& session, StreamId id, Transfer& t, Prng& prng) {
  while (!t.stopped && t.sent < t.size) {
    std::string piece;
    const std::size_t n = std::min<std::size_t>(t.size - t.sent, 1 + prng.below(20000));
    for (std::size_t i = 0; i < n; ++i) piece += byte_of(id, t.sent + i);
    t.sent += n;
    const std::size_t buffered = session.send_body(id, piece, t.sent == t.size);
    ASSERT_LE(buffered, Limits{}.send_buffer_high_bytes + 20000);
    t.stopped = buffered >= Limits{}.send_buffer_high_bytes;
  }
}

class Http2Flow : public ::testing::TestWithParam<std::uint64_t> {};

TEST_P(Http2Flow, RandomUploadsAndDownloadsArriveWholeWithBoundedBuffers) {
  Prng prng(GetParam());
  Loopback l;
  l.run();
  std::map<StreamId, Transfer> up, down;
  for (int i = 0; i < 8; ++i) {
    up[*l.client.submit_request(Loopback::head("POST"), false)].size = 1 + prng.below(200000);
    down[*l.client.submit_request(Loopback::head(), true)].size = 1 + prng.below(200000);
  }
  l.run();
  for (auto& [id, t] : down) l.server.submit_response(id, 200, {}, false);

  const auto drain = [&](Session& session, auto& events, auto& transfers) {  // a slow reader
    for (auto& [id, t] : transfers) {
      const std::size_t have = events.streams[id].body.size() - t.consumed;
      ASSERT_LE(have, Limits{}.stream_window_bytes) << "more held than the window";
      const std::size_t n = prng.below(have + 1);
      session.consume(id, n);
      t.consumed += n;
    }
  };
  const auto resume = [](auto& events, auto& transfers) {
    for (auto& [id, t] : transfers)
      t.stopped = t.stopped && events.streams[id].writables == 0, events.streams[id].writables = 0;
  };
  const auto cut = [&] { return 1 + prng.below(3000); };
  const auto complete = [](auto& events, auto& transfers) {
    for (auto& [id, t] : transfers)
      if (events.streams[id].ends == 0) return false;
    return true;
  };
  int rounds = 0;
  for (; rounds < 20000 && !(complete(l.at_server, up) && complete(l.at_client, down)); ++rounds) {
    l.now = l.now + 10ms;
    for (auto& [id, t] : up) push(l.client, id, t, prng);
    for (auto& [id, t] : down) push(l.server, id, t, prng);
    testing::carry(l.client, l.server, l.now, 1 + prng.below(40000), cut);
    testing::carry(l.server, l.client, l.now, 1 + prng.below(40000), cut);
    drain(l.server, l.at_server, up);
    drain(l.client, l.at_client, down);
    resume(l.at_client, up);
    resume(l.at_server, down);
  }
  const auto verify = [](auto& events, auto& transfers) {
    for (auto& [id, t] : transfers) {
      const std::string& body = events.streams[id].body;
      ASSERT_EQ(body.size(), t.size);
      for (std::size_t i = 0; i < body.size(); ++i)
        ASSERT_EQ(body[i], byte_of(id, i)) << id << " at " << i;
      EXPECT_FALSE(events.streams[id].reset);
    }
  };
  verify(l.at_server, up);
  verify(l.at_client, down);
  EXPECT_LT(rounds, 20000);
}
INSTANTIATE_TEST_SUITE_P(Seeds, Http2Flow, ::testing::Values(1, 2, 3, 4));

TEST(Http2FlowControl, AReaderThatStopsHoldsUpItsOwnStreamAlone) {  // notes row 22
  Loopback l;
  std::vector<StreamId> slow;
  for (int i = 0; i < 20; ++i) slow.push_back(*l.client.submit_request(Loopback::head(), true));
  const StreamId quick = *l.client.submit_request(Loopback::head(), true);
  l.run();
  for (const StreamId id : slow) l.server.submit_response(id, 200, {}, false);
  l.server.submit_response(quick, 200, {}, false);
  for (int round = 0; round < 3; ++round) {
    for (const StreamId id : slow)
      if (l.server.buffered_bytes(id) == 0) l.server.send_body(id, std::string(65536, 's'), false);
    l.run();
  }
  EXPECT_EQ(l.client.held_bytes(), 20u * 65536) << "each stops at its window";
  for (int i = 0; i < 50; ++i) {
    l.server.send_body(quick, std::string(60000, 'q'), i == 49);
    l.run();
    l.client.consume(quick, 60000);
    l.run();
  }
  EXPECT_EQ(l.at_client.streams[quick].body.size(), 50u * 60000);
  EXPECT_EQ(l.at_client.streams[quick].ends, 1);
}

TEST(Http2FlowControl, HeldBytesOfAllStreamsAreBounded) {
  Limits limits;
  limits.connection_window_bytes = 256 * 1024;
  limits.held_bytes_max = 512 * 1024;
  Loopback l({}, limits);
  std::vector<StreamId> ids;
  for (int i = 0; i < 60; ++i) ids.push_back(*l.client.submit_request(Loopback::head(), true));
  l.run();
  for (const StreamId id : ids) {
    l.server.submit_response(id, 200, {}, false);
    l.server.send_body(id, std::string(65536, 's'), false);
  }
  l.run();
  EXPECT_LE(l.client.held_bytes(), limits.held_bytes_max + limits.connection_window_bytes);
  EXPECT_GE(l.client.held_bytes(), limits.held_bytes_max);
  for (int round = 0; round < 200; ++round) {  // draining pays the connection back
    for (const StreamId id : ids) l.client.consume(id, 65536);
    l.run();
  }
  for (const StreamId id : ids) EXPECT_EQ(l.at_client.streams[id].body.size(), 65536u);
  EXPECT_EQ(l.client.held_bytes(), 0u);
}

TEST(Http2FlowControl, CreditOfAResetStreamReturnsToTheConnection) {
  Limits limits;
  limits.connection_window_bytes = 256 * 1024;
  limits.held_bytes_max = 256 * 1024;
  Loopback l(limits);
  l.run();
  for (int i = 0; i < 100; ++i) {
    const StreamId id = *l.client.submit_request(Loopback::head("POST"), false);
    l.client.send_body(id, std::string(60000, 'u'), false);
    l.run();
    ASSERT_EQ(l.at_server.streams[id].body.size(), 60000u) << i;
    l.server.reset(id, ErrorCode::kCancel);
    l.server.release(id);
    l.run();
    EXPECT_EQ(l.server.held_bytes(), 0u);
  }
}

TEST(Http2FlowControl, TellsWhichStreamsWaitAndWhetherForTheirOwnWindow) {
  Limits limits;
  limits.connection_window_bytes = 256 * 1024;
  limits.held_bytes_max = 256 * 1024;
  Loopback l({}, limits);
  std::vector<StreamId> ids;
  for (int i = 0; i < 12; ++i) ids.push_back(*l.client.submit_request(Loopback::head(), true));
  l.run();
  for (const StreamId id : ids) {
    l.server.submit_response(id, 200, {}, false);
    l.server.send_body(id, std::string(70000, 's'), false);
    l.run();
  }
  const auto waiting = l.server.waiting_streams();
  ASSERT_EQ(waiting.size(), ids.size());
  std::uint64_t sent = 0;
  for (std::size_t i = 0; i < ids.size(); ++i) {
    EXPECT_EQ(waiting[i].id, ids[i]);
    EXPECT_EQ(waiting[i].shut, waiting[i].sent == 65536) << "the others wait for the connection";
    EXPECT_EQ(l.server.sent_bytes(ids[i]), waiting[i].sent);
    sent += waiting[i].sent;
  }
  EXPECT_TRUE(waiting.front().shut);
  EXPECT_FALSE(waiting.back().shut);
  EXPECT_EQ(l.server.stats().body_bytes_sent, sent);
  for (int round = 0; round < 10; ++round) {
    for (const StreamId id : ids) l.client.consume(id, 65536);
    l.run();
  }
  EXPECT_TRUE(l.server.waiting_streams().empty());
}

TEST(Http2FlowControl, OnWritableComesOnceAfterStop) {
  Loopback l;
  l.at_client.consumer = &l.client;
  const StreamId id = *l.client.submit_request(Loopback::head(), true);
  l.run();
  l.server.submit_response(id, 200, {}, false);
  EXPECT_GE(l.server.send_body(id, std::string(100000, 'x'), false),
            Limits{}.send_buffer_high_bytes);
  l.run();
  EXPECT_EQ(l.at_server.streams[id].writables, 1);
  EXPECT_EQ(l.server.buffered_bytes(id), 0u);
  l.server.send_body(id, "small", true);
  l.run();
  EXPECT_EQ(l.at_server.streams[id].writables, 1);
  EXPECT_EQ(l.at_client.streams[id].body.size(), 100005u);
}

}  // namespace
}  // namespace headgate::wire::http2
