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
  void say(std::string_view text, int fd = -1) {
    ASSERT_TRUE(
        io::send_message(supervisor.get(), text, std::span<const int>(&fd, fd >= 0 ? 1 : 0)));
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
    say("socket tcp/127.0.0.1/8080", listener->get());
  });
  const auto got = link->open("127.0.0.1", 8080, false);
  answering.join();
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(io::local_endpoint(got->get()), io::local_endpoint(listener->get()));
}

TEST_F(Linked, TellsWhyASocketWasRefused) {
  std::thread answering([&] {
    heard();
    say("refused port 80 is taken");
  });
  const auto got = link->open("", 80, false);
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
  EXPECT_FALSE(link->open("", 80, false));
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
  EXPECT_FALSE(link->open("", 80, false));
}

}  // namespace
}  // namespace headgate::app
