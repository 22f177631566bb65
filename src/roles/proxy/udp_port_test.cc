#include "roles/proxy/udp_port.h"

#include <gtest/gtest.h>

#include <optional>
#include <utility>

#include "roles/proxy/forward_world_for_test.h"

namespace headgate::proxy {
namespace {

using State = io::Transfer::State;

class Udp : public ::testing::Test {
 protected:
  void serve(const std::vector<wire::ip::Endpoint>& origins, std::size_t shares = 1) {
    world_.publish(origins);
    port_.emplace(world_.worker, world_.view, std::move(edge_), shares);
  }
  io::Fd client() { return io::connect_datagram({edge_address_, ""}).value(); }
  wire::ip::Endpoint origin_address() { return io::local_endpoint(origin_.get()); }
  static void send(const io::Fd& from, std::string_view text) {
    const std::string_view datagrams[] = {text};
    ASSERT_EQ(io::send_connected(from.get(), datagrams).count, 1U);
  }
  // The next datagrams at `at`; none within the time is a failure.
  std::span<const io::Datagram> receive(const io::Fd& at) {
    EXPECT_TRUE(world_.run_until([&] { return batch_.receive(at.get()) == State::kDone; }));
    return batch_.datagrams();
  }
  // Answers each datagram that waits at the origin with itself; returns who sent them.
  std::vector<wire::ip::Endpoint> echo(std::size_t wanted) {
    std::vector<wire::ip::Endpoint> senders;
    while (senders.size() < wanted) {
      const auto datagrams = receive(origin_);
      if (datagrams.empty()) break;
      for (const io::Datagram& datagram : datagrams) {
        const std::string_view answer[] = {datagram.bytes};
        io::send_to(origin_.get(), datagram.peer, {}, answer);
        senders.push_back(datagram.peer);
      }
    }
    return senders;
  }

  ForwardWorld world_{model::PortProtocol::kUdp};
  io::Fd edge_ = io::bind_udp("127.0.0.1", 0).value(), origin_ = io::bind_udp("127.0.0.1", 0).value();
  const wire::ip::Endpoint edge_address_ = io::local_endpoint(edge_.get());
  std::optional<UdpPort> port_;
  io::DatagramBatch batch_;
};

TEST_F(Udp, CarriesDatagramsOfAClientOverOneFlowAndBack) {
  serve({origin_address()});
  const io::Fd one = client();
  send(one, "first");
  send(one, "second");
  const auto senders = echo(2);
  ASSERT_EQ(senders.size(), 2U);
  EXPECT_EQ(senders[0], senders[1]);
  std::vector<std::string> answers;
  while (answers.size() < 2) {
    for (const io::Datagram& datagram : receive(one)) answers.emplace_back(datagram.bytes);
    if (HasFailure()) return;
  }
  EXPECT_EQ(answers, (std::vector<std::string>{"first", "second"}));
  EXPECT_EQ(port_->flows(), 1U);
  EXPECT_EQ(world_.rule_stats().request_bytes.value(), 11U);
  EXPECT_EQ(world_.rule_stats().response_bytes.value(), 11U);
}

TEST_F(Udp, KeepsClientsApart) {
  serve({origin_address()});
  std::vector<io::Fd> clients;
  for (int i = 0; i < 40; ++i) {
    clients.push_back(client());
    send(clients.back(), std::to_string(i));
  }
  echo(40);
  for (std::size_t i = 0; i < 40; ++i) {
    const auto answers = receive(clients[i]);
    ASSERT_EQ(answers.size(), 1U);
    EXPECT_EQ(answers[0].bytes, std::to_string(i));
  }
  EXPECT_EQ(port_->flows(), 40U);
}

TEST_F(Udp, CarriesTheGreatestDatagramWhole) {
  serve({origin_address()});
  const io::Fd one = client();
  const std::string big(65507, 'd');
  send(one, big);
  echo(1);
  const auto answers = receive(one);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].bytes, big);
}

TEST_F(Udp, EndsAFlowThatIsSilent) {
  world_.traffic->timeouts.body_idle = 10ms;
  serve({origin_address()});
  const io::Fd one = client();
  send(one, "x");
  echo(1);
  ASSERT_TRUE(world_.run_until([&] { return port_->flows() == 0; }));
  EXPECT_EQ(world_.stats.udp_flows_open.value(), 0);
  EXPECT_EQ(world_.upstream_stats().active_requests.value(), 0);
}

TEST_F(Udp, GivesUpUnansweredFlowsBeforeAnsweredOnes) {
  world_.snapshot->ports[0].settings.connections_max = 4;
  serve({origin_address()});
  const io::Fd answered = client();
  send(answered, "keep me");
  echo(1);
  receive(answered);
  std::vector<io::Fd> flood;
  for (int i = 0; i < 12; ++i) {
    flood.push_back(client());
    send(flood.back(), "flood");
    receive(origin_);
  }
  EXPECT_EQ(port_->flows(), 4U);
  EXPECT_EQ(world_.stats.udp_flows_evicted.value(), 9U);
  send(answered, "again");
  ASSERT_TRUE(world_.run_until([&] { return batch_.receive(origin_.get()) == State::kDone; }));
  EXPECT_EQ(batch_.datagrams()[0].bytes, "again");
  EXPECT_EQ(world_.stats.udp_flows.value(), 13U);
}

TEST_F(Udp, BlamesAnEndpointWhereNobodyListensAndChoosesAnew) {
  wire::ip::Endpoint nobody;
  { nobody = io::local_endpoint(io::bind_udp("127.0.0.1", 0).value().get()); }
  world_.upstream->outlier.consecutive_errors = 1;
  world_.upstream->outlier.ejected_percent_max = 50;
  serve({nobody, origin_address()});
  std::vector<io::Fd> clients;
  ASSERT_TRUE(world_.run_until([&] {
    clients.push_back(client());
    send(clients.back(), "who is there");
    return world_.upstream_stats().ejections.value() == 1;
  }));
  EXPECT_GE(world_.upstream_stats().resets.value(), 1U);
  for (int i = 0; i < 10; ++i) {
    clients.push_back(client());
    const std::string text = std::to_string(i);
    send(clients.back(), text);
    ASSERT_TRUE(world_.run_until([&] {
      return batch_.receive(origin_.get()) == State::kDone && batch_.datagrams().back().bytes == text;
    }));
  }
}

TEST_F(Udp, DropsWhatNoRouteIsFor) {
  serve({origin_address()});
  world_.view = {};
  const io::Fd one = client();
  send(one, "x");
  ASSERT_TRUE(world_.run_until([&] { return world_.stats.datagrams_dropped.value() == 1; }));
  EXPECT_EQ(port_->flows(), 0U);
}

TEST_F(Udp, LeavesNoFlowBehindWhenThePortStops) {
  serve({origin_address()});
  const io::Fd one = client();
  send(one, "x");
  echo(1);
  receive(one);
  port_->stop();
  EXPECT_EQ(port_->flows(), 0U);
  EXPECT_EQ(world_.stats.udp_flows_open.value(), 0);
  send(one, "y");
  world_.loop.turn(Duration::zero());
  EXPECT_EQ(world_.stats.datagrams_received.value(), 2U);
}

TEST_F(Udp, HasItsShareOfTheFlowsThatThePortMayHave) {
  world_.snapshot->ports[0].settings.connections_max = 5;
  serve({origin_address()}, 2);
  std::vector<io::Fd> clients;
  for (int i = 0; i < 8; ++i) {
    clients.push_back(client());
    send(clients.back(), "x");
    receive(origin_);
  }
  EXPECT_EQ(port_->flows(), 3U);
}

TEST_F(Udp, BringsTheAnswersThatAreOnTheirWayInADrainAndTakesNothingNew) {
  serve({origin_address()});
  const io::Fd one = client();
  send(one, "question");
  const auto asked = receive(origin_);
  ASSERT_EQ(asked.size(), 1U);
  const wire::ip::Endpoint flow = asked[0].peer;
  port_->drain(false);
  send(one, "for the successor");
  const std::string_view answer[] = {"answer"};
  io::send_to(origin_.get(), flow, {}, answer);
  const auto answers = receive(one);
  ASSERT_EQ(answers.size(), 1U);
  EXPECT_EQ(answers[0].bytes, "answer");
  ASSERT_TRUE(world_.run_until([&] { return port_->flows() == 0; }));  // long before body_idle
  EXPECT_EQ(batch_.receive(origin_.get()), State::kWouldBlock);
  EXPECT_EQ(world_.stats.udp_flows_open.value(), 0);
}

TEST_F(Udp, TakesWhatWaitsBeforeTheLastDrain) {
  serve({origin_address()});
  const io::Fd one = client(), two = client();
  send(one, "1");
  send(two, "2");
  port_->drain(true);
  EXPECT_EQ(echo(2).size(), 2U);
  EXPECT_EQ(receive(one).size(), 1U);
  EXPECT_EQ(receive(two).size(), 1U);
}

TEST_F(Udp, ClosesItsSocketWhenADrainIsOver) {
  serve({origin_address()});
  const io::Fd one = client();
  send(one, "x");
  echo(1);
  receive(one);
  EXPECT_FALSE(io::bind_udp("127.0.0.1", edge_address_.port));
  port_->drain(true);
  ASSERT_TRUE(
      world_.run_until([&] { return io::bind_udp("127.0.0.1", edge_address_.port).has_value(); }));
}

}  // namespace
}  // namespace headgate::proxy
