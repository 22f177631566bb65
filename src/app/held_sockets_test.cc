#include "app/held_sockets.h"

#include <gtest/gtest.h>

#include <fmt/format.h>

#include "io/socket.h"

namespace headgate::app {
namespace {

// A port that was free a moment ago.
SocketName free_name() {
  auto probe = io::listen_tcp("127.0.0.1", 0);
  EXPECT_TRUE(probe);
  return {"127.0.0.1", io::local_endpoint(probe->get()).port, false};
}

TEST(HeldSockets, GivesTheSameSocketAgain) {
  HeldSockets sockets;
  const SocketName name = free_name();
  const auto first = sockets.claim(name, 1), again = sockets.claim(name, 2);
  ASSERT_TRUE(first && again);
  EXPECT_EQ(*first, *again);
  EXPECT_EQ(sockets.all().size(), 1U);
}

TEST(HeldSockets, ClosesASocketWhenNobodyClaimsItAnyMore) {
  HeldSockets sockets;
  const SocketName name = free_name();
  ASSERT_TRUE(sockets.claim(name, 1) && sockets.claim(name, 2));
  sockets.release(name, 1);
  EXPECT_EQ(sockets.all().size(), 1U);
  sockets.release(name, 1);  // what is not its own any more
  EXPECT_EQ(sockets.all().size(), 1U);
  sockets.release_all(2);
  EXPECT_TRUE(sockets.all().empty());
}

TEST(HeldSockets, SaysWhichPortIsTaken) {
  HeldSockets ours, theirs;
  const SocketName name = free_name();
  ASSERT_TRUE(theirs.claim(name, 1));
  const auto refused = ours.claim(name, 1);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(fmt::format("TCP port {} on 127.0.0.1", name.port)),
            std::string::npos)
      << refused.error().message;
}

TEST(HeldSockets, LosesNobodyWhoWaitsWhenItStopsQueueing) {
  HeldSockets sockets;
  const SocketName ends = free_name();
  const auto fd = sockets.claim(ends, 1);
  ASSERT_TRUE(fd);
  const auto connect = [&] {
    return io::connect_stream({{wire::ip::ipv4(127, 0, 0, 1), ends.port}, ""});
  };
  const auto first = connect(), second = connect();
  sockets.stop_queueing({});
  EXPECT_TRUE(io::accept_stream(*fd));
  EXPECT_TRUE(io::accept_stream(*fd));
}

TEST(HeldSockets, RefusesClientsAtTheEndButOnThePortsThatStay) {
  HeldSockets sockets;
  const SocketName stays = free_name();
  ASSERT_TRUE(sockets.claim(stays, 1));
  const SocketName ends = free_name();
  ASSERT_TRUE(sockets.claim(ends, 1));
  sockets.stop_listening({stays});
  const auto connects = [](const SocketName& name) {
    auto fd = io::connect_stream({{wire::ip::ipv4(127, 0, 0, 1), name.port}, ""});
    return fd && io::connect_error(fd->get()) == 0;
  };
  EXPECT_TRUE(connects(stays));
  EXPECT_FALSE(connects(ends));
}

TEST(HeldSockets, AnAdoptedSocketIsNotOpenedAgain) {
  HeldSockets ours, theirs;
  const SocketName name = free_name();
  ASSERT_TRUE(theirs.claim(name, 1));
  auto inherited = io::listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(inherited);
  const int fd = inherited->get();
  ours.adopt(name, std::move(*inherited), 7);
  EXPECT_EQ(ours.claim(name, 8).value(), fd);
  ours.release_all(7);
  EXPECT_EQ(ours.all().size(), 1U);
}

TEST(SocketName, ReadsBackWhatItWrites) {
  for (const SocketName& name :
       {SocketName{"", 80, false}, {"127.0.0.1", 65535, true}, {"2001:db8::1", 1, false}}) {
    EXPECT_EQ(parse_socket_name(to_string(name)), name);
  }
  for (const char* text :
       {"", "tcp", "tcp/", "tcp/1.2.3.4", "tcp//0", "tcp//65536", "tcp//x", "sctp//1"}) {
    EXPECT_FALSE(parse_socket_name(text)) << text;
  }
}

}  // namespace
}  // namespace headgate::app
