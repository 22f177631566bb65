#include "roles/proxy/forward_session.h"

#include <gtest/gtest.h>

#include <utility>

#include "roles/proxy/forward_world_for_test.h"

namespace headgate::proxy {
namespace {

using io::Transfer;
using State = io::Transfer::State;

// A listening socket on loopback and what it accepted.
struct Listening {
  io::Fd socket = io::listen_tcp("127.0.0.1", 0).value();
  wire::ip::Endpoint address() const { return io::local_endpoint(socket.get()); }
  io::Stream accept() {
    auto accepted = io::accept_stream(socket.get());
    return accepted ? io::Stream(std::move(accepted->fd)) : io::Stream();
  }
};

class Forward : public ::testing::Test {
 protected:
  // Connects a client through the edge to `origin_`.
  void connect() {
    dial();
    const auto before = world_.stats.tunnels.value();
    ASSERT_TRUE(world_.run_until([&] { return (far_ = origin_.accept()).valid(); }));
    ASSERT_TRUE(world_.run_until([&] { return world_.stats.tunnels.value() > before; }));
  }
  void dial() {
    client_ = io::Stream(std::move(io::connect_stream({edge_.address(), ""}).value()));
    io::Stream near;
    ASSERT_TRUE(world_.run_until([&] { return (near = edge_.accept()).valid(); }));
    const auto peer = io::peer_endpoint(near.fd());
    world_.sessions.accept(world_.view, near.take_fd(), peer);
  }
  // All that can be read until `wanted` bytes, an end or a failure.
  std::string read(io::Stream& stream, std::size_t wanted) {
    std::string text;
    char buffer[65536];
    last_ = State::kWouldBlock;
    EXPECT_TRUE(world_.run_until([&] {
      const Transfer transfer = stream.read(buffer, sizeof buffer);
      text.append(buffer, transfer.bytes);
      last_ = transfer.state;
      return text.size() >= wanted || last_ == State::kClosed || last_ == State::kFailed;
    }));
    return text;
  }
  bool ends(io::Stream& stream) {
    read(stream, SIZE_MAX);
    return last_ == State::kClosed;
  }
  bool resets(io::Stream& stream) {
    read(stream, SIZE_MAX);
    return last_ == State::kFailed;
  }
  // Writes until nobody takes more for some turns; returns what was taken.
  std::size_t fill(io::Stream& stream) {
    const std::string block(65536, 'x');
    std::size_t taken = 0;
    for (int refused = 0; refused < 50;) {
      const Transfer transfer = stream.write(block);
      refused = transfer.state == State::kWouldBlock ? refused + 1 : 0;
      taken += transfer.bytes;
      world_.loop.turn(1ms);
    }
    return taken;
  }

  ForwardWorld world_{model::PortProtocol::kTcp};
  Listening edge_, origin_;
  io::Stream client_, far_;
  State last_ = State::kDone;
};

TEST_F(Forward, CarriesBytesBothWays) {
  world_.publish({origin_.address()});
  connect();
  client_.write("ping");
  EXPECT_EQ(read(far_, 4), "ping");
  far_.write("pong!");
  EXPECT_EQ(read(client_, 5), "pong!");
  EXPECT_EQ(world_.stats.tunnels_open.value(), 1);
  EXPECT_EQ(world_.rule_stats().request_bytes.value(), 4U);
  EXPECT_EQ(world_.rule_stats().response_bytes.value(), 5U);
}

TEST_F(Forward, PassesAHalfCloseOnAndKeepsTheOtherDirectionOpen) {
  world_.publish({origin_.address()});
  connect();
  client_.write("question");
  client_.shutdown();
  EXPECT_EQ(read(far_, SIZE_MAX), "question");
  EXPECT_EQ(last_, State::kClosed);
  far_.write("answer");
  EXPECT_EQ(read(client_, 6), "answer");
  EXPECT_EQ(world_.sessions.count(), 1U);
  far_.shutdown();
  EXPECT_TRUE(ends(client_));
  ASSERT_TRUE(world_.run_until([&] { return world_.sessions.count() == 0; }));
  EXPECT_EQ(world_.stats.tunnels_open.value(), 0);
  EXPECT_EQ(world_.state->connections().count(), 0);
  EXPECT_EQ(world_.upstream_stats().connections.value(), 0);
  EXPECT_EQ(world_.upstream_stats().active_requests.value(), 0);
}

TEST_F(Forward, PassesAnEndOnThatCameTogetherWithTheFirstBytes) {
  world_.publish({origin_.address()});
  dial();
  client_.write("all");
  client_.shutdown();
  ASSERT_TRUE(world_.run_until([&] { return (far_ = origin_.accept()).valid(); }));
  EXPECT_EQ(read(far_, SIZE_MAX), "all");
  EXPECT_EQ(last_, State::kClosed);
}

TEST_F(Forward, PassesAResetOfTheClientOnAsAReset) {
  world_.publish({origin_.address()});
  connect();
  io::set_reset_on_close(client_.fd());
  client_.close();
  EXPECT_TRUE(resets(far_));
  EXPECT_EQ(world_.sessions.count(), 0U);
}

TEST_F(Forward, PassesAResetOnToAConnectionThatIsBeingMade) {
  world_.publish({origin_.address()});
  dial();
  ASSERT_TRUE(world_.run_until([&] { return world_.upstream_stats().connects.value() == 1; }));
  ASSERT_EQ(world_.stats.tunnels.value(), 0U);
  far_ = origin_.accept();
  ASSERT_TRUE(far_.valid());
  world_.sessions.kill_all();
  EXPECT_TRUE(resets(far_));
}

TEST_F(Forward, PassesAResetOfTheOriginOnAsAReset) {
  world_.publish({origin_.address()});
  connect();
  io::set_reset_on_close(far_.fd());
  far_.close();
  EXPECT_TRUE(resets(client_));
  EXPECT_EQ(world_.upstream_stats().resets.value(), 1U);
}

TEST_F(Forward, StopsAFastSenderWhileTheReceiverTakesNothing) {
  world_.publish({origin_.address()});
  connect();
  const std::size_t taken = fill(client_);
  // The edge stopped reading: part of what the client sent waits in its own socket.
  EXPECT_LT(world_.rule_stats().request_bytes.value(), taken);
  client_.shutdown();
  EXPECT_EQ(read(far_, SIZE_MAX).size(), taken);
  EXPECT_EQ(world_.rule_stats().request_bytes.value(), taken);
}

TEST_F(Forward, ResetsAStalledTunnelWhenItsSenderResets) {
  world_.publish({origin_.address()});
  connect();
  fill(client_);
  io::set_reset_on_close(client_.fd());
  client_.close();
  ASSERT_TRUE(world_.run_until([&] { return world_.sessions.count() == 0; }));
  EXPECT_TRUE(resets(far_));
}

TEST_F(Forward, TriesOtherEndpointsWhenOneRefuses) {
  wire::ip::Endpoint nobody;
  { nobody = Listening().address(); }
  world_.publish({nobody, origin_.address()});
  for (int i = 0; i < 8; ++i) {
    connect();
    client_.write("x");
    EXPECT_EQ(read(far_, 1), "x");
    client_.shutdown();
    far_.shutdown();
    EXPECT_TRUE(ends(client_));
  }
  EXPECT_GE(world_.upstream_stats().connect_failures.value(), 1U);
}

TEST_F(Forward, ResetsTheClientWhenNoEndpointAnswers) {
  wire::ip::Endpoint nobody;
  { nobody = Listening().address(); }
  world_.publish({nobody});
  dial();
  EXPECT_TRUE(resets(client_));
  EXPECT_EQ(world_.upstream_stats().connect_failures.value(), 1U);
  EXPECT_EQ(world_.state->connections().count(), 0);
}

TEST_F(Forward, ResetsTheClientWhenTheUpstreamIsFull) {
  world_.upstream->limits.connections_max = 1;
  world_.publish({origin_.address()});
  connect();
  io::Stream first = std::move(client_);
  dial();
  EXPECT_TRUE(resets(client_));
  EXPECT_EQ(world_.upstream_stats().overflows.value(), 1U);
  first.write("still here");
  EXPECT_EQ(read(far_, 10), "still here");
}

TEST_F(Forward, TellsTheOriginWhoConnected) {
  world_.upstream->send_proxy_protocol = model::ProxyProtocol::kV1;
  world_.publish({origin_.address()});
  connect();
  client_.write("hello");
  const auto from = io::local_endpoint(client_.fd());
  const auto to = edge_.address();
  const std::string header = "PROXY TCP4 127.0.0.1 127.0.0.1 " + std::to_string(from.port) + " " + std::to_string(to.port) + "\r\n";
  EXPECT_EQ(read(far_, header.size() + 5), header + "hello");
}

TEST_F(Forward, EndsATunnelThatIsIdleForTooLong) {
  world_.traffic->timeouts.tunnel_idle = 20ms;
  world_.publish({origin_.address()});
  connect();
  EXPECT_TRUE(resets(client_));
  EXPECT_EQ(world_.stats.timeouts_idle.value(), 1U);
}

TEST_F(Forward, EndsATunnelAtItsGreatestAgeThoughItIsBusy) {
  world_.traffic->timeouts.tunnel_max = 30ms;
  world_.publish({origin_.address()});
  connect();
  ASSERT_TRUE(world_.run_until([&] {
    far_.write("x");
    return world_.sessions.count() == 0;
  }));
  EXPECT_TRUE(resets(client_));
}

TEST_F(Forward, OutlivesTheConfigurationThatBeganIt) {
  world_.publish({origin_.address()});
  connect();
  world_.view = {};
  client_.write("go on");
  EXPECT_EQ(read(far_, 5), "go on");
}

TEST_F(Forward, ResetsAClientThatNoBackendIsFor) {
  world_.rule().backends[0].upstream = model::Backend::kInvalid;
  world_.publish({origin_.address()});
  dial();
  EXPECT_TRUE(resets(client_));
}

}  // namespace
}  // namespace headgate::proxy
