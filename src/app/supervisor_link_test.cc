#include "app/supervisor_link.h"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "app/plane_message.h"
#include "io/program.h"
#include "io/socket.h"
#include "io/unix_socket.h"

namespace headgate::app {
namespace {

class Linked : public testing::Test {
 protected:
  void SetUp() override {
    auto pair = io::make_socket_pair();
    ASSERT_TRUE(pair);
    supervisor = std::move(pair->first);
    link = std::make_unique<SupervisorLink>(loop, std::move(pair->second),
                                            [this](Order order) { orders.push_back(order); });
  }
  std::string heard() {
    if (!io::wait_readable(supervisor.get(), 5s)) return "nothing";
    auto message = io::receive_message(supervisor.get());
    return message && *message ? (*message)->bytes : "end";
  }
  void say(std::string_view text, const std::vector<int>& fds = {}) {
    ASSERT_TRUE(io::send_message(supervisor.get(), text, fds));
  }
  io::Loop loop;
  io::Fd supervisor;
  std::vector<Order> orders;
  std::unique_ptr<SupervisorLink> link;
};

TEST_F(Linked, GetsTheSocketThatItAskedFor) {
  auto listener = io::listen_tcp("127.0.0.1", 0);
  ASSERT_TRUE(listener);
  std::thread answering([&] {
    EXPECT_EQ(heard(), "open tcp/127.0.0.1/8080");
    say("socket tcp/127.0.0.1/8080", {listener->get()});
  });
  const auto got = link->open("127.0.0.1", 8080);
  answering.join();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(io::local_endpoint(got->get()), io::local_endpoint(listener->get()));
}

TEST_F(Linked, GetsEverySocketOfAUdpPort) {
  const io::Fd sockets[] = {io::bind_udp("127.0.0.1", 0).value(),
                            io::bind_udp("127.0.0.1", 0).value()};
  std::thread answering([&] {
    EXPECT_EQ(heard(), "open udp//53 1");
    say("socket udp//53", {sockets[0].get(), sockets[1].get()});
  });
  const auto got = link->open_datagram("", 53, 1);
  answering.join();
  ASSERT_TRUE(got) << got.error().message;
  ASSERT_EQ(got->size(), 2U);
  for (std::size_t i = 0; i < 2; ++i)
    EXPECT_EQ(io::local_endpoint((*got)[i].get()), io::local_endpoint(sockets[i].get()));
}

TEST_F(Linked, TellsWhyASocketWasRefused) {
  std::thread answering([&] {
    heard();
    say("refused port 80 is taken");
  });
  const auto got = link->open("", 80);
  answering.join();
  ASSERT_FALSE(got);
  EXPECT_EQ(got.error().message, "port 80 is taken");
}

TEST_F(Linked, GetsTheSecretOfTicketKeys) {
  std::thread answering([&] {
    EXPECT_EQ(heard(), "tickets");
    say("reopen");
    say("secret 00ff");
  });
  const auto got = link->ticket_secret();
  answering.join();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(*got, "00ff");
  loop.turn(0s);
  EXPECT_EQ(orders, std::vector<Order>{Order::kReopenLog});
}

TEST_F(Linked, KeepsOrdersThatArriveWhileItWaitsForASocket) {
  std::thread answering([&] {
    heard();
    say("reload");
    say("drain");
    say("refused no");
  });
  EXPECT_FALSE(link->open("", 80));
  answering.join();
  EXPECT_TRUE(orders.empty()) << "orders come from the loop";
  loop.turn(0s);
  EXPECT_EQ(orders, (std::vector<Order>{Order::kReload, Order::kDrain}));
}

TEST_F(Linked, EndsWithItsSupervisor) {
  supervisor.reset();
  loop.turn(1s);
  loop.turn(0s);
  EXPECT_EQ(orders, std::vector<Order>{Order::kHurry});
  EXPECT_FALSE(link->open("", 80));
}

}  // namespace
}  // namespace headgate::app
