#include "io/socket.h"

#include <gtest/gtest.h>
#include <linux/tcp.h>
#include <sys/socket.h>

#include <netinet/in.h>

namespace headgate::io {
namespace {

struct Pair {
  Fd listener = listen_tcp("127.0.0.1", 0).value();
  Fd client, server;
  // `prepare`: the listening socket, before anybody comes.
  template <typename Prepare>
  explicit Pair(Prepare prepare) {
    prepare(listener.get());
    client = connect_stream({local_endpoint(listener.get()), ""}).value();
    server = accept_stream(listener.get()).value().fd;
  }
};

bool has_no_delay(int fd) {
  int on = 0;
  socklen_t length = sizeof on;
  EXPECT_EQ(::getsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, &length), 0);
  return on != 0;
}

TEST(Socket, AcceptedConnectionsInheritThatNothingIsDelayed) {
  EXPECT_FALSE(has_no_delay(Pair([](int) {}).server.get()));
  EXPECT_TRUE(has_no_delay(Pair([](int fd) { set_no_delay(fd); }).server.get()));
}

TEST(Socket, CountsWhatThePeersKernelHas) {
  const Pair pair([](int fd) { set_no_delay(fd); });
  const std::uint64_t before = acknowledged_bytes(pair.server.get());
  ASSERT_EQ(send(pair.server.get(), std::string(1000, 'x')).bytes, 1000U);
  // Loopback delivers at once; the acknowledgement comes with what the peer sends, at the latest.
  char byte;
  send(pair.client.get(), "y");
  while (receive(pair.server.get(), &byte, 1).state == Transfer::State::kWouldBlock) {
  }
  EXPECT_EQ(acknowledged_bytes(pair.server.get()) - before, 1000U);
}

TEST(Socket, CountsNothingOfWhatIsNoTcp) {
  EXPECT_EQ(acknowledged_bytes(bind_udp("127.0.0.1", 0).value().get()), 0U);
}

}  // namespace
}  // namespace headgate::io
