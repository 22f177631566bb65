// bench_rush: many clients ask for one object that nobody has yet, over HTTP/1.1 on connections
// that stand already. The first client asks alone; the others ask kLeadNs later, while its answer
// is awaited (the origin takes longer to begin). Every body is compared with the origin's bytes.
// Prints JSON. One thread, bounded by kPatienceNs.
#include <fmt/format.h>

#include <array>
#include <string>
#include <vector>

#include "load/program.h"
#include "load/rush.h"
#include "net/response.h"
#include "origin/body.h"

namespace headgate::bench {
namespace {

constexpr std::int64_t kLeadNs = 100'000'000;
constexpr std::int64_t kPatienceNs = 20'000'000'000;
constexpr std::int64_t kTurnNs = 900'000'000;
constexpr std::size_t kReadBytes = 256 * 1024;

struct Client {
  Fd fd;
  Visit visit;
  ResponseReader response;
  std::string received;
  bool established = false;
  bool over = false;
};

class Rush {
 public:
  struct Options {
    std::uint64_t port = 0;
    std::string path = "/cold/0";
    std::uint64_t body_bytes = 64 * 1024;
    std::uint64_t clients = 1000;

    auto known() {
      return std::array{port_argument(&port), Argument{"path", &path},
                        Argument{"bytes", &body_bytes, 0, 64 << 20},
                        Argument{"clients", &clients, 1, 15'000}};
    }
  };

  explicit Rush(Options options)
      : options_(std::move(options)),
        body_(body_of(options_.body_bytes)),
        epoll_(make_epoll()),
        clients_(options_.clients) {
    for (Client& client : clients_) client.fd = connect_watched(epoll_, options_.port, &client);
  }

  void run() {
    const std::int64_t give_up_ns = now_ns() + kPatienceNs;
    while (established_ < clients_.size() && now_ns() < give_up_ns) wait(give_up_ns);
    start_ns_ = now_ns();
    ask(clients_.front());
    while (over_ < clients_.size() && now_ns() < start_ns_ + kLeadNs) wait(start_ns_ + kLeadNs);
    for (std::size_t i = 1; i < clients_.size(); ++i) ask(clients_[i]);
    while (over_ < clients_.size() && now_ns() < give_up_ns) wait(give_up_ns);
  }

  void print() const {
    std::vector<Visit> visits;
    for (const Client& client : clients_) visits.push_back(client.visit);
    const RushSummary got = summarise(visits);
    fmt::print(
        "{{\"clients\": {}, \"right\": {}, \"leader_first_byte_ms\": {:.3f}, "
        "\"leader_complete_ms\": {:.3f}, \"lag_p50_ms\": {:.3f}, \"lag_p99_ms\": {:.3f}, "
        "\"lag_max_ms\": {:.3f}, \"last_complete_ms\": {:.3f}}}\n",
        clients_.size(), got.right, ms(got.leader_first_byte_ns), ms(got.leader_complete_ns),
        ms(got.lag_p50_ns), ms(got.lag_p99_ns), ms(got.lag_max_ns), ms(got.last_complete_ns));
  }

 private:
  static double ms(std::int64_t ns) { return static_cast<double>(ns) / 1e6; }

  void wait(std::int64_t until_ns) {
    const std::int64_t left_ns = std::clamp<std::int64_t>(until_ns - now_ns(), 0, kTurnNs);
    wait_edges<Client>(epoll_, left_ns,
                       [this](Client* client, std::uint32_t events) { handle(*client, events); });
  }

  void handle(Client& client, std::uint32_t events) {
    if ((events & EPOLLERR) != 0) return finish(client);
    if ((events & EPOLLOUT) != 0 && !client.established) {
      client.established = true;
      ++established_;
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) != 0) receive(client);
  }

  void ask(Client& client) {
    const std::string request =
        fmt::format("GET {} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n", options_.path);
    const Moved put = write_some(client.fd.get(), request.data(), request.size());
    if (put.bytes != request.size()) finish(client);
  }

  void receive(Client& client) {
    while (!client.over) {
      const Moved got = read_some(client.fd.get(), bytes_.data(), bytes_.size());
      if (got.state == Moved::State::kBlocked) return;
      if (got.state == Moved::State::kOver) return finish(client);
      const std::string_view bytes(bytes_.data(), got.bytes);
      if (client.received.empty()) client.visit.first_byte_ns = now_ns() - start_ns_;
      client.received += bytes;
      const auto state = client.response.feed(bytes);
      if (state == ResponseReader::State::kMalformed) return finish(client);
      if (state == ResponseReader::State::kComplete) complete(client);
    }
  }

  void complete(Client& client) {
    client.visit.complete_ns = now_ns() - start_ns_;
    client.visit.right = client.response.status() == 200 && client.received.ends_with(body_);
    finish(client);
  }

  void finish(Client& client) {
    if (client.over) return;
    client.over = true;
    ++over_;
  }

  const Options options_;
  const std::string body_;
  Fd epoll_;
  std::vector<Client> clients_;
  std::vector<char> bytes_ = std::vector<char>(kReadBytes);
  std::int64_t start_ns_ = 0;
  std::size_t established_ = 0;
  std::size_t over_ = 0;
};

}  // namespace
}  // namespace headgate::bench

int main(int argc, char** argv) { headgate::bench::run_program<headgate::bench::Rush>(argc, argv); }
