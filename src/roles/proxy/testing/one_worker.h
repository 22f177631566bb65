#pragma once
// For tests alone: what a worker has, without its thread, and the far end of a connection that the
// test plays. Everything happens inside of turn().
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "io/test_directory.h"
#include "roles/proxy/access_log.h"
#include "roles/proxy/cache/worker_cache.h"
#include "roles/proxy/client_addresses.h"
#include "roles/proxy/exchange.h"
#include "roles/proxy/mirror.h"
#include "roles/proxy/session.h"
#include "roles/proxy/worker_context.h"
#include "wire/http2/session.h"

namespace headgate::proxy::testing {

struct OneWorker {
  io::Loop loop;
  WorkerStats stats;
  Prng prng{1};
  std::vector<char> scratch = std::vector<char>(65536);
  std::unique_ptr<LogWriter> writer = *LogWriter::open("/dev/null");
  ClientAddresses client_addresses{1};
  io::TestDirectory state_directory;
  std::unique_ptr<ObjectCache> object_cache =
      ObjectCache::open({.state = state_directory.path}).value();
  WorkerCache cache{*object_cache, loop};
  WorkerContext context{loop,      stats,   prng,     scratch,          log,
                        exchanges, mirrors, encoders, client_addresses, cache};
  AccessLog log{context, *writer};
  ExchangeStore exchanges{context};
  MirrorStore mirrors{context};
  EncoderStore encoders;
  Sessions sessions{context};
};

// Both ends of a stream connection; `near` is for the code under test.
struct SocketPair {
  io::Fd near, far;
  SocketPair() {
    std::array<int, 2> fds{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fds.data()), 0);
    near.reset(fds[0]);
    far.reset(fds[1]);
  }
};

// A peer that a test plays: with a codec, whose bytes move() carries, or frame by frame.
struct Peer {
  io::Fd fd;
  wire::http2::Session* session = nullptr;
  std::string unsent;
  bool ended = false;  // the other side closed

  // True when anything moved.
  bool move() {
    if (!fd.valid() || !session) return false;
    bool moved = false;
    const std::string got = take();
    if (!got.empty()) moved = session->feed(got, {}).has_value();
    if (session->wants_write() && unsent.empty()) session->take_output(unsent, 1 << 20);
    const ssize_t n =
        unsent.empty() ? 0 : ::send(fd.get(), unsent.data(), unsent.size(), MSG_NOSIGNAL);
    if (n > 0) unsent.erase(0, static_cast<std::size_t>(n));
    return moved || n > 0;
  }
  std::string take() {
    std::string all;
    std::array<char, 65536> bytes;
    ssize_t n = 0;
    while ((n = ::read(fd.get(), bytes.data(), bytes.size())) > 0)
      all.append(bytes.data(), static_cast<std::size_t>(n));
    ended = ended || n == 0;
    return all;
  }
  void say(std::string_view bytes) {
    EXPECT_EQ(::send(fd.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
};

// The descriptor is in the loop before an OriginH2 takes it over, as after a connect.
class Placeholder final : public io::EventHandler {
 public:
  void on_io(std::uint32_t) override {}
};

}  // namespace headgate::proxy::testing
