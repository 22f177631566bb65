// bench_handshake: one request a connection, as many as a fixed number of clients get done one
// after the other. With --tls each connection makes a full TLS 1.3 handshake: no session is kept,
// so none is resumed. Prints JSON. One thread, bounded by
// --seconds; certificates are not verified, because the benchmark makes its own.
#include <fmt/format.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "load/histogram.h"
#include "load/program.h"
#include "net/response.h"

namespace headgate::bench {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::int64_t kPauseNs = kSecondNs / 100;
constexpr std::size_t kReadBytes = 64 * 1024;
constexpr std::uint64_t kFailuresMax = 10'000;
constexpr std::string_view kRequest =
    "GET /1k HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n";

struct SslFree {
  void operator()(SSL* ssl) const { SSL_free(ssl); }
  void operator()(SSL_CTX* context) const { SSL_CTX_free(context); }
};

// One connection after another in the same place.
struct Client {
  Fd fd;
  std::unique_ptr<SSL, SslFree> ssl;
  bool sent = false;
  std::int64_t start_ns = 0;
  ResponseReader response;
};

std::unique_ptr<SSL_CTX, SslFree> make_context() {
  std::unique_ptr<SSL_CTX, SslFree> context(SSL_CTX_new(TLS_client_method()));
  if (!context || SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) != 1) {
    die("SSL_CTX_new");
  }
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_NONE, nullptr);
  return context;
}

class Handshakes {
 public:
  struct Options {
    std::uint64_t port = 0;
    std::uint64_t tls = 0;  // 1: with
    std::uint64_t connections = 16;
    std::uint64_t seconds = 5;

    auto known() {
      return std::array{port_argument(&port), Argument{"tls", &tls, 0, 1},
                        Argument{"connections", &connections, 1, 1024},
                        Argument{"seconds", &seconds, 0, 600}};
    }
  };

  explicit Handshakes(Options options)
      : options_(options), epoll_(make_epoll()), clients_(options.connections) {
    if (options_.tls != 0) context_ = make_context();
  }

  void run() {
    start_ns_ = now_ns();
    for (Client& c : clients_) start(c);
    const std::int64_t last_ns =
        start_ns_ + static_cast<std::int64_t>(options_.seconds) * kSecondNs;
    while (now_ns() < last_ns)
      wait_edges<Client>(epoll_, kPauseNs, [this](Client* c, std::uint32_t) { advance(*c); });
    end_ns_ = now_ns();
  }

  void print() const {
    const auto us = [](std::int64_t ns) { return static_cast<double>(ns) / 1000; };
    fmt::print(
        "{{\"seconds\": {:.3f}, \"completed\": {}, \"failed\": {}, \"resumed\": {}, "
        "\"p50_us\": {:.1f}, \"p99_us\": {:.1f}}}\n",
        us(end_ns_ - start_ns_) / 1e6, latency_.total(), failed_, resumed_,
        us(latency_.percentile_ns(0.5)), us(latency_.percentile_ns(0.99)));
  }

 private:
  void start(Client& c) {
    c.start_ns = now_ns();
    c.sent = false;
    c.response.reset();
    c.ssl.reset();
    c.fd = connect_watched(epoll_, options_.port, &c);
    if (options_.tls != 0) {
      c.ssl.reset(SSL_new(context_.get()));
      if (!c.ssl || SSL_set_fd(c.ssl.get(), c.fd.get()) != 1) die("SSL_new");
      SSL_set_connect_state(c.ssl.get());
    }
  }

  // The server closes first, so that the waiting time of closed connections burdens its ports and
  // not the client's.
  void advance(Client& c) {
    if (!c.sent) {
      const Moved put = write(c);
      if (put.state == Moved::State::kOver) return fail(c);
      if (put.state == Moved::State::kBlocked) return;
      c.sent = true;
    }
    for (;;) {
      const Moved got = read(c);
      if (got.state == Moved::State::kBlocked) return;
      if (got.state == Moved::State::kOver) return end(c);
      const auto state = c.response.feed({bytes_.data(), got.bytes});
      if (state == ResponseReader::State::kMalformed) return fail(c);
      if (state == ResponseReader::State::kComplete) complete(c);
    }
  }

  void complete(Client& c) {
    c.response.status() / 100 == 2 ? latency_.add(now_ns() - c.start_ns) : count_failure();
    if (c.ssl && SSL_session_reused(c.ssl.get()) == 1) ++resumed_;
  }

  void end(Client& c) {
    if (c.response.state() != ResponseReader::State::kComplete) count_failure();
    start(c);
  }

  void fail(Client& c) {
    count_failure();
    start(c);
  }

  void count_failure() {
    if (++failed_ > kFailuresMax) die("too many failed connections");
  }

  // The request is far smaller than a socket buffer: it goes at once or not at all.
  Moved write(Client& c) {
    if (!c.ssl) return write_some(c.fd.get(), kRequest.data(), kRequest.size());
    return moved(c, SSL_write(c.ssl.get(), kRequest.data(), static_cast<int>(kRequest.size())));
  }

  Moved read(Client& c) {
    if (!c.ssl) return read_some(c.fd.get(), bytes_.data(), bytes_.size());
    return moved(c, SSL_read(c.ssl.get(), bytes_.data(), static_cast<int>(bytes_.size())));
  }

  static Moved moved(Client& c, int result) {
    if (result > 0) return {Moved::State::kBytes, static_cast<std::size_t>(result)};
    const int error = SSL_get_error(c.ssl.get(), result);
    ERR_clear_error();
    const bool blocked = error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
    return {blocked ? Moved::State::kBlocked : Moved::State::kOver, 0};
  }

  const Options options_;
  std::unique_ptr<SSL_CTX, SslFree> context_;
  Fd epoll_;
  std::vector<Client> clients_;
  std::vector<char> bytes_ = std::vector<char>(kReadBytes);
  Histogram latency_;
  std::uint64_t failed_ = 0;
  std::uint64_t resumed_ = 0;
  std::int64_t start_ns_ = 0;
  std::int64_t end_ns_ = 0;
};

}  // namespace
}  // namespace headgate::bench

int main(int argc, char** argv) {
  headgate::bench::run_program<headgate::bench::Handshakes>(argc, argv);
}
