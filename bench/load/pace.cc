// bench_pace: offers HTTP/1.1 GETs at a constant rate and measures latency from the moment a
// request was due, so a server that stalls is charged for every request that it kept waiting (no
// coordinated omission). Requests that find every connection busy queue here. A line on standard
// input ends the current phase and begins the next, a q ends the offer; the JSON on standard output
// has one entry a phase. One thread, bounded by --seconds plus --patience.
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstring>
#include <deque>
#include <string>
#include <vector>

#include "load/histogram.h"
#include "load/program.h"
#include "net/response.h"

namespace headgate::bench {
namespace {

constexpr std::int64_t kSecondNs = 1'000'000'000;
constexpr std::size_t kReadBytes = 256 * 1024;
constexpr std::uint64_t kConnectFailuresMax = 10'000;

struct Phase {
  std::int64_t start_ns = 0;
  std::int64_t end_ns = 0;
  Histogram latency;
  Histogram send_delay;  // how late this program itself was, including waits for a free connection
  std::uint64_t bad_status = 0;
  std::uint64_t dropped = 0;           // closed or malformed under a request
  std::uint64_t closed_idle = 0;       // closed between requests without announcement
  std::uint64_t closed_announced = 0;  // Connection: close on an answer
  std::uint64_t connect_failed = 0;
};

struct Connection {
  Fd fd;
  bool busy = false;
  bool established = false;
  std::int64_t due_ns = 0;
  std::string unsent;
  ResponseReader response;
};

class Pace {
 public:
  struct Options {
    std::uint64_t port = 0;
    std::string path = "/1k";
    std::uint64_t objects = 0;  // 0: one path; n: path/0 .. path/(n-1) in turn
    std::uint64_t hosts = 0;    // 0: Host is the address; n: h0.bench .. h(n-1).bench in turn
    std::uint64_t connections = 64;
    std::uint64_t rate = 1000;  // requests a second
    std::uint64_t seconds = 5;
    std::uint64_t patience = 2;  // seconds beyond, for what is late

    auto known() {
      return std::array{
          port_argument(&port),
          Argument{"path", &path},
          Argument{"objects", &objects, 0, 100'000'000},
          Argument{"hosts", &hosts, 0, 1'000'000},
          Argument{"connections", &connections, 1, 15'000},
          Argument{"rate", &rate, 1, 1'000'000},
          Argument{"seconds", &seconds, 0, 600},
          Argument{"patience", &patience, 0, 600},
      };
    }
  };

  explicit Pace(Options options)
      : options_(std::move(options)),
        interval_ns_(static_cast<double>(kSecondNs) / static_cast<double>(options_.rate)),
        due_total_(options_.rate * options_.seconds),
        epoll_(make_epoll()),
        connections_(options_.connections) {
    watch_marks();
    for (Connection& c : connections_) {
      open(c);
      idle_.push_back(&c);
    }
  }

  void run() {
    // The default slack of 50 us would be most of what is measured.
    ::prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
    start_ns_ = now_ns();
    begin_phase();
    const std::int64_t last_ns =
        due_ns(due_total_) + static_cast<std::int64_t>(options_.patience) * kSecondNs;
    while (finished_ < due_total_ && now_ns() < last_ns) {
      send_due();
      wait();
    }
    phases_.back().end_ns = now_ns();
  }

  void print() const {
    fmt::print("{{\"rate\": {}, \"unanswered\": {}, \"phases\": [", options_.rate,
               due_total_ - finished_);
    for (const Phase& phase : phases_) {
      fmt::print("{}", &phase == phases_.data() ? "" : ", ");
      print(phase);
    }
    fmt::print("]}}\n");
  }

 private:
  static double us(std::int64_t ns) { return static_cast<double>(ns) / 1000; }

  static void print(const Phase& p) {
    fmt::print(
        "{{\"seconds\": {:.3f}, \"completed\": {}, \"p50_us\": {:.1f}, \"p99_us\": {:.1f}, "
        "\"p999_us\": {:.1f}, \"max_us\": {:.1f}, \"send_delay_p99_us\": {:.1f}, "
        "\"bad_status\": {}, \"dropped\": {}, \"closed_idle\": {}, \"closed_announced\": {}, "
        "\"connect_failed\": {}}}",
        us(p.end_ns - p.start_ns) / 1e6, p.latency.total(), us(p.latency.percentile_ns(0.5)),
        us(p.latency.percentile_ns(0.99)), us(p.latency.percentile_ns(0.999)),
        us(p.latency.max_ns()), us(p.send_delay.percentile_ns(0.99)), p.bad_status, p.dropped,
        p.closed_idle, p.closed_announced, p.connect_failed);
  }

  std::int64_t due_ns(std::uint64_t k) const {
    return start_ns_ + static_cast<std::int64_t>(static_cast<double>(k) * interval_ns_);
  }

  void begin_phase() {
    const std::int64_t now = now_ns();
    if (!phases_.empty()) phases_.back().end_ns = now;
    phases_.emplace_back().start_ns = now;
  }

  void open(Connection& c) {
    c.established = false;
    c.fd = connect_watched(epoll_, options_.port, &c);
  }

  void watch_marks() {
    const int flags = ::fcntl(STDIN_FILENO, F_GETFL);
    if (flags < 0 || ::fcntl(STDIN_FILENO, F_SETFL, flags | O_NONBLOCK) != 0) return;
    epoll_event event{};
    event.events = EPOLLIN;
    // A regular file or /dev/null refuses: then there are no marks.
    ::epoll_ctl(epoll_.get(), EPOLL_CTL_ADD, STDIN_FILENO, &event);
  }

  void take_marks() {
    std::array<char, 64> bytes;
    const ssize_t got = ::read(STDIN_FILENO, bytes.data(), bytes.size());
    if (got <= 0) {
      ::epoll_ctl(epoll_.get(), EPOLL_CTL_DEL, STDIN_FILENO, nullptr);
      return;
    }
    for (const char byte : std::string_view(bytes.data(), static_cast<std::size_t>(got))) {
      if (byte == '\n') begin_phase();
      if (byte == 'q') due_total_ = next_;
    }
  }

  void send_due() {
    while (next_ < due_total_ && !idle_.empty()) {
      const std::int64_t now = now_ns();
      if (due_ns(next_) > now) return;
      Connection& c = *idle_.front();
      idle_.pop_front();
      c.busy = true;
      c.due_ns = due_ns(next_);
      c.unsent = request(next_++);
      c.response.reset();
      phases_.back().send_delay.add(now - c.due_ns);
      if (!flush(c)) lose(c);
    }
  }

  std::string request(std::uint64_t k) const {
    const std::string object =
        options_.objects == 0 ? "" : fmt::format("/{}", k % options_.objects);
    const std::string host =
        options_.hosts == 0 ? "127.0.0.1" : fmt::format("h{}.bench", k % options_.hosts);
    return fmt::format("GET {}{} HTTP/1.1\r\nHost: {}\r\n\r\n", options_.path, object, host);
  }

  void wait() {
    wait_edges<Connection>(epoll_, until_next_ns(), [this](Connection* c, std::uint32_t events) {
      c == nullptr ? take_marks() : handle(*c, events);
    });
  }

  std::int64_t until_next_ns() const {
    constexpr std::int64_t kPauseMaxNs = kSecondNs / 100;
    const bool can_send = next_ < due_total_ && !idle_.empty();
    const std::int64_t left = can_send ? due_ns(next_) - now_ns() : kPauseMaxNs;
    return std::clamp<std::int64_t>(left, 0, kPauseMaxNs);
  }

  void handle(Connection& c, std::uint32_t events) {
    if ((events & EPOLLERR) != 0) return lose(c);
    if ((events & EPOLLOUT) != 0) {
      c.established = true;
      if (!flush(c)) return lose(c);
    }
    if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP)) != 0) receive(c);
  }

  static bool flush(Connection& c) {
    if (c.unsent.empty()) return true;
    const Moved put = write_some(c.fd.get(), c.unsent.data(), c.unsent.size());
    if (put.state == Moved::State::kOver) return false;
    c.unsent.erase(0, put.bytes);
    return true;
  }

  void receive(Connection& c) {
    for (;;) {
      const Moved got = read_some(c.fd.get(), bytes_.data(), bytes_.size());
      if (got.state == Moved::State::kBlocked) return;
      if (got.state == Moved::State::kOver || !c.busy) return lose(c);
      const auto state = c.response.feed({bytes_.data(), got.bytes});
      if (state == ResponseReader::State::kMalformed) return lose(c);
      if (state == ResponseReader::State::kComplete) {
        complete(c);
        if (!c.fd) return open(c);
      }
    }
  }

  void complete(Connection& c) {
    Phase& phase = phases_.back();
    phase.latency.add(now_ns() - c.due_ns);
    if (c.response.status() / 100 != 2) ++phase.bad_status;
    release(c);
    if (!c.response.closes()) return;
    ++phase.closed_announced;
    c.fd.reset();
  }

  void release(Connection& c) {
    ++finished_;
    c.busy = false;
    c.unsent.clear();
    idle_.push_back(&c);
  }

  // The server ended the connection: charged to the request on it, if there is one.
  void lose(Connection& c) {
    Phase& phase = phases_.back();
    if (!c.established) {
      ++phase.connect_failed;
      if (++connect_failures_ > kConnectFailuresMax) die("too many refused connections");
    }
    c.busy ? ++phase.dropped : ++phase.closed_idle;
    if (c.busy) release(c);
    open(c);
  }

  const Options options_;
  const double interval_ns_;
  std::uint64_t due_total_;
  Fd epoll_;
  std::vector<Connection> connections_;
  std::deque<Connection*> idle_;
  std::vector<Phase> phases_;
  std::vector<char> bytes_ = std::vector<char>(kReadBytes);
  std::int64_t start_ns_ = 0;
  std::uint64_t next_ = 0;      // requests sent so far
  std::uint64_t finished_ = 0;  // answered or dropped
  std::uint64_t connect_failures_ = 0;
};

}  // namespace
}  // namespace headgate::bench

int main(int argc, char** argv) { headgate::bench::run_program<headgate::bench::Pace>(argc, argv); }
