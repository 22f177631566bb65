#include "app/held_sockets.h"

#include <gtest/gtest.h>

#include <fmt/format.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>

#include "io/datagram.h"
#include "io/program.h"
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
  EXPECT_TRUE(io::accept_stream(fd->front()));
  EXPECT_TRUE(io::accept_stream(fd->front()));
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
  EXPECT_EQ(ours.claim(name, 8).value(), std::vector<int>{fd});
  ours.release_all(7);
  EXPECT_EQ(ours.all().size(), 1U);
}

// A UDP port that was free a moment ago, and clients that each send one datagram to it.
class HeldDatagramSockets : public testing::Test {
 protected:
  std::vector<int> claim(PlaneId plane, std::size_t at_least) {
    auto fds = sockets_.claim(name_, plane, at_least);
    EXPECT_TRUE(fds) << fds.error().message;
    return fds ? *fds : std::vector<int>();
  }
  void send_from_new_clients(int count) {
    for (int i = 0; i < count; ++i) {
      clients_.push_back(
          io::connect_datagram({{wire::ip::ipv4(127, 0, 0, 1), name_.port}, ""}).value());
      const std::string_view text[] = {"x"};
      io::send_connected(clients_.back().get(), text);
    }
  }
  // How many datagrams wait in each of `fds`.
  static std::vector<std::size_t> waiting(const std::vector<int>& fds) {
    std::vector<std::size_t> counts;
    io::DatagramBatch batch;
    for (const int fd : fds) {
      std::size_t count = 0;
      while (batch.receive(fd) == io::Transfer::State::kDone) count += batch.datagrams().size();
      counts.push_back(count);
    }
    return counts;
  }
  HeldSockets sockets_;
  SocketName name_{"127.0.0.1", io::local_endpoint(io::bind_udp("127.0.0.1", 0).value().get()).port,
                   true};
  std::vector<io::Fd> clients_;
};

TEST_F(HeldDatagramSockets, GiveEachWorkerAShareOfTheClients) {
  const std::vector<int> fds = claim(1, 3);
  ASSERT_EQ(fds.size(), 3U);
  send_from_new_clients(120);
  const auto counts = waiting(fds);
  EXPECT_EQ(counts[0] + counts[1] + counts[2], 120U);
  for (const std::size_t count : counts) EXPECT_GT(count, 10U);
}

TEST_F(HeldDatagramSockets, AreAllGivenToADataPlaneWithFewerWorkers) {
  const std::vector<int> before = claim(1, 4);
  EXPECT_EQ(claim(2, 2), before);
  sockets_.release_all(1);
  EXPECT_EQ(claim(2, 1), before);
}

TEST_F(HeldDatagramSockets, StayInFrontOfThoseThatAreAddedForMoreWorkers) {
  const std::vector<int> before = claim(1, 2), after = claim(2, 5);
  ASSERT_EQ(after.size(), 5U);
  EXPECT_EQ(std::vector<int>(after.begin(), after.begin() + 2), before);
}

TEST_F(HeldDatagramSockets, LoseNobodyWhenAPlaneThatWantedMoreIsGivenUp) {
  const std::vector<int> serving = claim(1, 2), candidate = claim(2, 4);
  const io::Fd still_open[] = {io::inherit(::dup(candidate[2])).value(),
                               io::inherit(::dup(candidate[3])).value()};
  sockets_.release_all(2);
  EXPECT_EQ(sockets_.all().size(), 2U);
  send_from_new_clients(100);
  EXPECT_EQ(waiting({still_open[0].get(), still_open[1].get()}), (std::vector<std::size_t>{0, 0}));
  const auto counts = waiting(serving);
  EXPECT_EQ(counts[0] + counts[1], 100U);
}

TEST_F(HeldDatagramSockets, RefuseClientsOnceReleasedEvenWhileAnotherProcessHasThem) {
  const io::Fd still_open = io::inherit(::dup(claim(1, 1)[0])).value();
  sockets_.release(name_, 1);
  send_from_new_clients(1);
  const std::string_view again[] = {"y"};
  EXPECT_EQ(io::send_connected(clients_[0].get(), again).error, ECONNREFUSED);
  EXPECT_EQ(waiting({still_open.get()}), std::vector<std::size_t>{0});
}

TEST_F(HeldDatagramSockets, AreNotSharedWithAnotherEdge) {
  HeldSockets theirs;
  ASSERT_TRUE(theirs.claim(name_, 1, 2));
  const auto refused = sockets_.claim(name_, 1, 2);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().message.find(fmt::format("UDP port {} on 127.0.0.1", name_.port)),
            std::string::npos)
      << refused.error().message;
}

// Another program that lets others of its kind join.
io::Fd bind_joinable(const SocketName& name) {
  io::Fd fd = io::bind_udp(name.address, name.port, io::UdpShare::kAgain).value();
  const int on = 1;
  EXPECT_EQ(::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on), 0);
  return fd;
}

TEST_F(HeldDatagramSockets, CanBeHadAgainWhileADataPlaneThatEndsHasThemOpen) {
  const io::Fd still_open = io::inherit(::dup(claim(1, 1)[0])).value();
  sockets_.release_all(1);
  const std::vector<int> again = claim(2, 2);
  ASSERT_EQ(again.size(), 2U);
  send_from_new_clients(60);
  const auto counts = waiting(again);
  EXPECT_EQ(counts[0] + counts[1], 60U);
}

TEST_F(HeldDatagramSockets, AreNotSharedWithAnEdgeThatTookThePortInTheMeantime) {
  const io::Fd still_open = io::inherit(::dup(claim(1, 1)[0])).value();
  sockets_.release_all(1);
  const io::Fd theirs = io::bind_udp(name_.address, name_.port, io::UdpShare::kAgain).value();
  EXPECT_FALSE(sockets_.claim(name_, 2));
}

TEST_F(HeldDatagramSockets, AreForgottenWhenTheLastDataPlaneThatMayHaveThemOpenHasEnded) {
  for (const PlaneId plane : {1U, 2U}) claim(plane, 2);
  for (const PlaneId plane : {1U, 2U}) sockets_.release_all(plane);
  const io::Fd theirs = bind_joinable(name_);
  sockets_.ended(1);
  EXPECT_TRUE(sockets_.claim(name_, 3)) << "the second one may have it open";
  sockets_.release_all(3);
  sockets_.ended(3);
  sockets_.ended(2);
  EXPECT_FALSE(sockets_.claim(name_, 4));
}

TEST_F(HeldDatagramSockets, AreForgottenAtOnceWhenNoDataPlaneIsLeftThatHadThemOpen) {
  claim(1, 2);
  sockets_.ended(1);  // it died; its claims are its successor's, who does without
  sockets_.release_all(1);
  const io::Fd theirs = bind_joinable(name_);
  EXPECT_FALSE(sockets_.claim(name_, 2));
}

TEST_F(HeldDatagramSockets, CanBeHadAgainWhileADataPlaneOfTheProgramBeforeEnds) {
  const io::Fd still_open = io::bind_udp(name_.address, name_.port).value();
  io::stop_receiving(still_open.get());  // the program before did
  EXPECT_FALSE(sockets_.claim(name_, 2));
  sockets_.adopt_retiring(1);
  claim(2, 1);
  sockets_.release_all(2);
  sockets_.ended(1);
  sockets_.ended(2);
  EXPECT_FALSE(sockets_.claim(name_, 3));
}

TEST_F(HeldDatagramSockets, MoveFromOneAddressToEveryAddress) {
  claim(1, 2);
  const SocketName everywhere{"", name_.port, true};
  const auto moved = sockets_.claim(everywhere, 1, 2);
  ASSERT_TRUE(moved) << moved.error().message;
  sockets_.release(name_, 1);
  send_from_new_clients(40);
  const auto counts = waiting(*moved);
  EXPECT_EQ(counts[0] + counts[1], 40U);
}

TEST_F(HeldDatagramSockets, HaveALimit) {
  const std::vector<int> fds = claim(1, HeldSockets::kSharesMax + 50);
  EXPECT_EQ(fds.size(), HeldSockets::kSharesMax);
  std::vector<SocketName> names;
  Result<std::vector<int>> last = fds;
  for (std::size_t held = fds.size(); last && held <= HeldSockets::kSocketsMax;
       held = sockets_.all().size()) {
    names.push_back(
        {"127.0.0.1", io::local_endpoint(io::bind_udp("127.0.0.1", 0).value().get()).port, true});
    last = sockets_.claim(names.back(), 1, HeldSockets::kSharesMax);
  }
  ASSERT_FALSE(last);
  EXPECT_NE(last.error().message.find("at most 1536 listening sockets"), std::string::npos)
      << last.error().message;
  // Nothing is left of the one that was refused.
  EXPECT_EQ(sockets_.all().size() % HeldSockets::kSharesMax, 0U);
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
