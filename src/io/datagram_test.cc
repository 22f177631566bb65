#include "io/datagram.h"

#include <gtest/gtest.h>

#include <cerrno>
#include <string>
#include <vector>

#include "io/socket.h"

namespace headgate::io {
namespace {

using State = Transfer::State;
using wire::ip::Endpoint;
using wire::ip::ipv4;

Fd bound(const char* address) { return bind_udp(address, 0).value(); }
Fd connected(const Endpoint& to) { return connect_datagram({to, ""}).value(); }

TEST(Datagrams, AreReceivedInOneBatchWithTheirSender) {
  const Fd server = bound("127.0.0.1");
  const Fd client = connected(local_endpoint(server.get()));
  const std::string_view sent[] = {"one", "", "three"};
  EXPECT_EQ(send_connected(client.get(), sent).count, 3U);
  DatagramBatch batch;
  ASSERT_EQ(batch.receive(server.get()), State::kDone);
  ASSERT_EQ(batch.datagrams().size(), 3U);
  for (std::size_t i = 0; i < 3; ++i) {
    EXPECT_EQ(batch.datagrams()[i].bytes, sent[i]);
    EXPECT_EQ(batch.datagrams()[i].peer, local_endpoint(client.get()));
  }
  EXPECT_EQ(batch.receive(server.get()), State::kWouldBlock);
  EXPECT_TRUE(batch.datagrams().empty());
}

TEST(Datagrams, OfTheGreatestSizeArriveWhole) {
  const Fd server = bound("127.0.0.1");
  const Fd client = connected(local_endpoint(server.get()));
  const std::string big(65507, 'b');
  const std::string_view sent[] = {big};
  ASSERT_EQ(send_connected(client.get(), sent).count, 1U);
  DatagramBatch batch;
  ASSERT_EQ(batch.receive(server.get()), State::kDone);
  EXPECT_EQ(batch.datagrams()[0].bytes, big);
}

TEST(Datagrams, ThatAreTooLongAreRefusedAndTheOnesBeforeThemSent) {
  const Fd server = bound("127.0.0.1");
  const Fd client = connected(local_endpoint(server.get()));
  const std::string big(65508, 'b');
  const std::string_view sent[] = {"fits", big, "never"};
  const Sent outcome = send_connected(client.get(), sent);
  EXPECT_EQ(outcome.count, 1U);
  EXPECT_EQ(outcome.state, State::kFailed);
  EXPECT_EQ(outcome.error, EMSGSIZE);
}

// On every address: the answer must come from the one that was asked, or a connected client does not hear it.
TEST(Datagrams, AreAnsweredFromTheAddressTheyWereSentTo) {
  for (const char* wildcard : {"", "0.0.0.0"}) {
    const Fd server = bound(wildcard);
    report_local_address(server.get());
    const Endpoint asked{ipv4(127, 0, 0, 77), local_endpoint(server.get()).port};
    const Fd client = connected(asked);
    const std::string_view question[] = {"question"}, answer[] = {"answer"};
    ASSERT_EQ(send_connected(client.get(), question).count, 1U);
    DatagramBatch batch;
    ASSERT_EQ(batch.receive(server.get()), State::kDone);
    const Datagram got = batch.datagrams()[0];
    EXPECT_EQ(got.local, asked.address);
    ASSERT_EQ(send_to(server.get(), got.peer, got.local, answer).count, 1U);
    ASSERT_EQ(batch.receive_connected(client.get()), State::kDone) << wildcard;
    EXPECT_EQ(batch.datagrams()[0].bytes, "answer");
  }
}

TEST(Datagrams, TellThatNobodyListens) {
  Endpoint nobody;
  { nobody = local_endpoint(bound("127.0.0.1").get()); }
  const Fd client = connected(nobody);
  const std::string_view sent[] = {"x"};
  ASSERT_EQ(send_connected(client.get(), sent).count, 1U);
  DatagramBatch batch;
  EXPECT_EQ(batch.receive_connected(client.get()), State::kFailed);
  EXPECT_EQ(batch.error(), ECONNREFUSED);
}

TEST(Datagrams, HaveAPortToThemselvesUnlessFurtherSocketsAreAskedFor) {
  const Fd first = bound("127.0.0.1");
  const std::uint16_t port = local_endpoint(first.get()).port;
  EXPECT_FALSE(bind_udp("127.0.0.1", port));
  EXPECT_FALSE(bind_udp("", port));
  EXPECT_FALSE(bind_udp("127.0.0.1", port, UdpShare::kAgain));
  EXPECT_TRUE(bind_udp("127.0.0.1", port, UdpShare::kFurther));
}

// How many of `count` new clients' datagrams reach `fd`.
std::size_t arrivals(int fd, std::uint16_t port, std::vector<Fd>& clients, int count) {
  const std::string_view text[] = {"x"};
  for (int i = 0; i < count; ++i) {
    clients.push_back(connected({ipv4(127, 0, 0, 1), port}));
    send_connected(clients.back().get(), text);
  }
  std::size_t got = 0;
  for (DatagramBatch batch; batch.receive(fd) == State::kDone;) got += batch.datagrams().size();
  return got;
}

class SharedPort : public testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(At, SharedPort, testing::Values("127.0.0.1", "0.0.0.0", ""));

TEST_P(SharedPort, IsLeftToTheOtherSocketsByOneThatStopsReceiving) {
  const Fd stays = bind_udp(GetParam(), 0).value();
  const std::uint16_t port = local_endpoint(stays.get()).port;
  const Fd leaves = bind_udp(GetParam(), port, UdpShare::kFurther).value();
  report_local_address(leaves.get());
  std::vector<Fd> clients;
  const std::size_t before = arrivals(stays.get(), port, clients, 60);
  EXPECT_GT(before, 0U);
  EXPECT_LT(before, 60U);
  stop_receiving(leaves.get());
  EXPECT_EQ(arrivals(stays.get(), port, clients, 60), 60U);
  // What it holds is not lost, and can be answered.
  DatagramBatch batch;
  ASSERT_EQ(batch.receive(leaves.get()), State::kDone);
  const Datagram& held = batch.datagrams().front();
  const std::string_view answer[] = {"answer"};
  EXPECT_EQ(send_to(leaves.get(), held.peer, held.local, answer).count, 1U);
  for (const Fd& client : clients) {
    if (local_endpoint(client.get()) != held.peer) continue;
    DatagramBatch answers;
    ASSERT_EQ(answers.receive(client.get()), State::kDone);
    EXPECT_EQ(answers.datagrams()[0].bytes, "answer");
  }
}

TEST_P(SharedPort, RefusesClientsWhenItsLastSocketStopsReceiving) {
  const Fd only = bind_udp(GetParam(), 0).value();
  stop_receiving(only.get());
  std::vector<Fd> clients;
  EXPECT_EQ(arrivals(only.get(), local_endpoint(only.get()).port, clients, 1), 0U);
  const std::string_view text[] = {"x"};
  EXPECT_EQ(send_connected(clients[0].get(), text).error, ECONNREFUSED);
}

TEST_P(SharedPort, CanBeBoundAgainWhenAllItsSocketsStoppedReceivingAndThenIsNotSharedEither) {
  const Fd first = bind_udp(GetParam(), 0).value();
  const std::uint16_t port = local_endpoint(first.get()).port;
  const Fd further = bind_udp(GetParam(), port, UdpShare::kFurther).value();
  stop_receiving(first.get());
  EXPECT_FALSE(bind_udp(GetParam(), port, UdpShare::kAgain));
  stop_receiving(further.get());
  EXPECT_FALSE(bind_udp(GetParam(), port));
  const Fd again = bind_udp(GetParam(), port, UdpShare::kAgain).value();
  EXPECT_FALSE(bind_udp(GetParam(), port, UdpShare::kAgain));
  std::vector<Fd> clients;
  EXPECT_EQ(arrivals(again.get(), port, clients, 20), 20U);
}

}  // namespace
}  // namespace headgate::io
