// bench_relay PORT ORIGIN_PORT: the floor of the proxy table. Accepts on loopback, opens one
// connection to the origin for each client connection and moves bytes both ways, knowing nothing of
// HTTP. One thread, edge-triggered epoll, optimistic reads and writes: a request costs one read and
// one write on each side and its share of an epoll_wait.
#include <fmt/format.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <unordered_map>
#include <vector>

#include "net/socket.h"

namespace headgate::bench {
namespace {

constexpr std::size_t kChunkBytes = 64 * 1024;
constexpr int kEventsMax = 256;

struct Pair;

// One socket of a pair. `unsent` waits for this socket to become writable; the other side is not
// read meanwhile.
struct Side {
  Fd fd;
  Pair* pair = nullptr;
  Side* other = nullptr;
  std::string unsent;
  bool readable = false;
  bool finished = false;  // its FIN came
};

struct Pair {
  Side client, origin;
  bool over = false;
};

class Relay {
 public:
  Relay(std::uint16_t port, std::uint16_t origin_port)
      : origin_port_(origin_port), listener_(listen_loopback(port)), epoll_(make_epoll()) {
    watch_edges(epoll_, listener_.get(), nullptr);
  }

  void run() {
    std::array<epoll_event, kEventsMax> events;
    for (;;) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, -1);
      for (int i = 0; i < count; ++i) {
        auto* side = static_cast<Side*>(events[i].data.ptr);
        side == nullptr ? accept_all() : handle(*side, events[i].events);
      }
      // After the batch, because a later event of it may name the other side of a pair that is
      // over.
      for (Pair* pair : over_) open_.erase(pair);
      over_.clear();
    }
  }

 private:
  void accept_all() {
    while (Fd fd = accept_from(listener_)) {
      auto pair = std::make_unique<Pair>();
      pair->client = {std::move(fd), pair.get(), &pair->origin};
      pair->origin = {connect_loopback(origin_port_), pair.get(), &pair->client};
      if (!pair->origin.fd) continue;
      watch_edges(epoll_, pair->client.fd.get(), &pair->client);
      watch_edges(epoll_, pair->origin.fd.get(), &pair->origin);
      open_.emplace(pair.get(), std::move(pair));
    }
  }

  void handle(Side& side, std::uint32_t events) {
    if (side.pair->over) return;
    if ((events & EPOLLERR) != 0) return finish(*side.pair);
    if ((events & EPOLLOUT) != 0 && !side.unsent.empty()) {
      flush(side);
      if (side.unsent.empty() && side.other->readable) pump(*side.other);
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) == 0) return;
    side.readable = true;
    side.finished = side.finished || (events & (EPOLLRDHUP | EPOLLHUP)) != 0;
    pump(side);
  }

  // Moves what `from` has to its other side until one of them blocks. A short read means that the
  // socket is empty, unless the peer has finished: then one more read is needed to see the end.
  void pump(Side& from) {
    Side& to = *from.other;
    while (from.readable && to.unsent.empty() && !from.pair->over) {
      const Moved got = read_some(from.fd.get(), chunk_.data(), chunk_.size());
      if (got.state == Moved::State::kOver) return end_of(from);
      if (got.bytes < chunk_.size() && !from.finished) from.readable = false;
      if (got.state == Moved::State::kBytes) send(to, got.bytes);
    }
  }

  void send(Side& to, std::size_t bytes) {
    const Moved put = write_some(to.fd.get(), chunk_.data(), bytes);
    if (put.state == Moved::State::kOver) return finish(*to.pair);
    to.unsent.assign(chunk_.data() + put.bytes, bytes - put.bytes);
  }

  void flush(Side& to) {
    const Moved put = write_some(to.fd.get(), to.unsent.data(), to.unsent.size());
    if (put.state == Moved::State::kOver) return finish(*to.pair);
    to.unsent.erase(0, put.bytes);
  }

  // The origin's end is the end; the client's end is passed on, so that an answer under way still
  // arrives.
  void end_of(Side& from) {
    from.readable = false;
    if (&from == &from.pair->origin || ::shutdown(from.other->fd.get(), SHUT_WR) != 0) {
      finish(*from.pair);
    }
  }

  void finish(Pair& pair) {
    if (pair.over) return;
    pair.over = true;
    pair.client.fd.reset();
    pair.origin.fd.reset();
    over_.push_back(&pair);
  }

  std::uint16_t origin_port_;
  Fd listener_;
  Fd epoll_;
  std::array<char, kChunkBytes> chunk_;
  std::unordered_map<Pair*, std::unique_ptr<Pair>> open_;
  std::vector<Pair*> over_;
};

}  // namespace
}  // namespace headgate::bench

int main(int argc, char** argv) {
  using namespace headgate::bench;
  if (argc != 3) {
    fmt::print(stderr, "usage: bench_relay PORT ORIGIN_PORT\n");
    return 2;
  }
  raise_descriptor_limit();
  const auto port = static_cast<std::uint16_t>(parse_number("PORT", argv[1], 65535));
  const auto origin = static_cast<std::uint16_t>(parse_number("ORIGIN_PORT", argv[2], 65535));
  std::make_unique<Relay>(port, origin)->run();
}
