// bench_origin PORT: a lean HTTP/1.1 origin on loopback. GET /1k, /64k and /1m (and what is below
// them) answer with bodies of that size, anything else with 404; keep-alive unless the request says
// Connection: close. /cold and below is 64 KB that comes in two halves, one pause after the request
// and one after the first half. /requests tells how many requests have come, itself not counted.
// One thread, edge-triggered epoll, answers rendered once at start. Request bodies are not read:
// the benchmark sends none.
#include <fmt/format.h>
#include <sys/epoll.h>

#include <algorithm>
#include <array>
#include <ctime>
#include <deque>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/socket.h"
#include "origin/body.h"

namespace headgate::bench {
namespace {

constexpr std::size_t kRequestBytesMax = 16 * 1024;
constexpr int kEventsMax = 256;
constexpr std::int64_t kColdPauseNs = 300'000'000;
constexpr std::string_view kLasting = "max-age=86400";  // longer than a run

// One body in its two forms.
struct Answer {
  std::string keep;
  std::string close;
};

// Of now, for every answer: caches take an old one for an answer that is old.
std::string http_date() {
  const std::time_t now = std::time(nullptr);
  std::array<char, 64> text;
  const std::size_t length =
      std::strftime(text.data(), text.size(), "%a, %d %b %Y %H:%M:%S GMT", std::gmtime(&now));
  return {text.data(), length};
}

std::string render(std::string_view status, std::string_view body, std::string_view caching,
                   std::string_view connection) {
  return fmt::format(
      "HTTP/1.1 {}\r\nServer: origin\r\nDate: {}\r\n"
      "Content-Type: application/octet-stream\r\nContent-Length: {}\r\n"
      "Cache-Control: {}\r\nETag: \"{}\"\r\n{}\r\n{}",
      status, http_date(), body.size(), caching, body.size(), connection, body);
}

Answer make_answer(std::string_view status, std::string_view body, std::string_view caching) {
  return {render(status, body, caching, ""),
          render(status, body, caching, "Connection: close\r\n")};
}

struct Connection {
  Fd fd;
  std::size_t filled = 0;
  const std::string* answer = nullptr;  // being written
  std::size_t written = 0;
  std::size_t released = 0;  // of the answer; the rest waits for a pause to end
  bool closing = false;
  std::array<char, kRequestBytesMax> in;
};

class Origin {
 public:
  explicit Origin(std::uint16_t port) : listener_(listen_loopback(port)), epoll_(make_epoll()) {
    watch_edges(epoll_, listener_.get(), nullptr);
  }

  void run() {
    std::array<epoll_event, kEventsMax> events;
    for (;;) {
      const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, milliseconds_left());
      for (int i = 0; i < count; ++i) {
        auto* connection = static_cast<Connection*>(events[i].data.ptr);
        connection == nullptr ? accept_all() : go_on(*connection);
      }
      if (!pauses_.empty()) end_pauses();
    }
  }

 private:
  struct Pause {
    std::int64_t until_ns;
    std::weak_ptr<Connection> connection;
  };

  void accept_all() {
    while (Fd fd = accept_from(listener_)) {
      auto connection = std::make_shared<Connection>();
      connection->fd = std::move(fd);
      watch_edges(epoll_, connection->fd.get(), connection.get());
      open_.emplace(connection.get(), std::move(connection));
    }
  }

  void go_on(Connection& connection) {
    if (!serve(connection)) open_.erase(&connection);
  }

  // False when the connection is over.
  bool serve(Connection& c) {
    for (;;) {
      if (c.answer != nullptr) {
        if (!write_answer(c)) return false;
        if (c.answer != nullptr) return true;  // blocked, or paused
        if (c.closing) return false;
      }
      if (choose_answer(c)) continue;
      if (c.filled == c.in.size()) return false;
      const Moved got = read_some(c.fd.get(), c.in.data() + c.filled, c.in.size() - c.filled);
      if (got.state != Moved::State::kBytes) return got.state == Moved::State::kBlocked;
      c.filled += got.bytes;
    }
  }

  bool write_answer(Connection& c) {
    while (c.written < c.released) {
      const Moved put =
          write_some(c.fd.get(), c.answer->data() + c.written, c.released - c.written);
      if (put.state == Moved::State::kOver) return false;
      if (put.state == Moved::State::kBlocked) return true;
      c.written += put.bytes;
    }
    if (c.released == c.answer->size()) c.answer = nullptr;
    return true;
  }

  // Consumes one complete request head, if there is one.
  bool choose_answer(Connection& c) {
    const std::string_view in(c.in.data(), c.filled);
    const std::size_t end = in.find("\r\n\r\n");
    if (end == std::string_view::npos) return false;
    const std::string_view head = in.substr(0, end + 2);
    const Answer& answer = for_target(head);
    c.closing = head.find("onnection: close\r\n") != std::string_view::npos;
    c.answer = c.closing ? &answer.close : &answer.keep;
    c.written = 0;
    c.released = &answer == &cold_ ? 0 : c.answer->size();
    if (&answer == &cold_) pause(c);
    c.filled -= end + 4;
    if (c.filled > 0) in.substr(end + 4).copy(c.in.data(), c.filled);
    return true;
  }

  const Answer& for_target(std::string_view head) {
    if (head.starts_with("GET /requests ")) return told_ = tell();
    ++requests_;
    if (head.starts_with("GET /1k")) return small_;
    if (head.starts_with("GET /64k")) return medium_;
    if (head.starts_with("GET /1m")) return large_;
    if (head.starts_with("GET /cold")) return cold_;
    return missing_;
  }

  Answer tell() const { return make_answer("200 OK", std::to_string(requests_), "no-store"); }

  void pause(Connection& c) { pauses_.push_back({now_ns() + kColdPauseNs, open_.at(&c)}); }

  int milliseconds_left() const {
    if (pauses_.empty()) return -1;
    const std::int64_t left_ns = pauses_.front().until_ns - now_ns();
    return static_cast<int>(std::max<std::int64_t>(0, left_ns + 999'999) / 1'000'000);
  }

  void end_pauses() {
    while (!pauses_.empty() && pauses_.front().until_ns <= now_ns()) {
      const auto connection = pauses_.front().connection.lock();
      pauses_.pop_front();
      if (!connection || connection->answer == nullptr) continue;
      const bool first = connection->released == 0;
      connection->released = connection->answer->size() / (first ? 2 : 1);
      if (first) pause(*connection);
      go_on(*connection);
    }
  }

  const Answer small_ = make_answer("200 OK", body_of(1024), kLasting);
  const Answer medium_ = make_answer("200 OK", body_of(64 * 1024), kLasting);
  const Answer large_ = make_answer("200 OK", body_of(1024 * 1024), kLasting);
  const Answer cold_ = make_answer("200 OK", body_of(64 * 1024), kLasting);
  const Answer missing_ = make_answer("404 Not Found", "", kLasting);
  Answer told_;
  std::uint64_t requests_ = 0;
  std::deque<Pause> pauses_;  // all of one length, so the first ends first
  Fd listener_;
  Fd epoll_;
  std::unordered_map<Connection*, std::shared_ptr<Connection>> open_;
};

}  // namespace
}  // namespace headgate::bench

int main(int argc, char** argv) {
  using namespace headgate::bench;
  if (argc != 2) {
    fmt::print(stderr, "usage: bench_origin PORT\n");
    return 2;
  }
  raise_descriptor_limit();
  Origin(static_cast<std::uint16_t>(parse_number("PORT", argv[1], 65535))).run();
}
