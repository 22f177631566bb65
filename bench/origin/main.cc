// bench_origin PORT: a lean HTTP/1.1 origin on loopback. GET /1k, /64k and /1m (and what is below
// them) answer with bodies of that size, anything else with 404; keep-alive unless the request says
// Connection: close. One thread, edge-triggered epoll, answers rendered once at start. Request
// bodies are not read: the benchmark sends none.
#include <fmt/format.h>
#include <sys/epoll.h>

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>

#include "net/socket.h"

namespace headgate::bench {
namespace {

constexpr std::size_t kRequestBytesMax = 16 * 1024;
constexpr int kEventsMax = 256;

// One body in its two forms.
struct Answer {
  std::string keep;
  std::string close;
};

std::string render(std::string_view status, std::size_t body_bytes, std::string_view connection) {
  std::string text = fmt::format(
      "HTTP/1.1 {}\r\nServer: origin\r\nDate: Thu, 01 Jan 2026 00:00:00 GMT\r\n"
      "Content-Type: application/octet-stream\r\nContent-Length: {}\r\n"
      "Cache-Control: max-age=60\r\nETag: \"{}\"\r\n{}\r\n",
      status, body_bytes, body_bytes, connection);
  text.append(body_bytes, 'x');
  return text;
}

Answer make_answer(std::string_view status, std::size_t body_bytes) {
  return {render(status, body_bytes, ""), render(status, body_bytes, "Connection: close\r\n")};
}

struct Connection {
  Fd fd;
  std::size_t filled = 0;
  const std::string* answer = nullptr;  // being written
  std::size_t written = 0;
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
      const int count = ::epoll_wait(epoll_.get(), events.data(), kEventsMax, -1);
      for (int i = 0; i < count; ++i) {
        auto* connection = static_cast<Connection*>(events[i].data.ptr);
        if (connection == nullptr) {
          accept_all();
        } else if (!serve(*connection)) {
          open_.erase(connection);
        }
      }
    }
  }

 private:
  void accept_all() {
    while (Fd fd = accept_from(listener_)) {
      auto connection = std::make_unique<Connection>();
      connection->fd = std::move(fd);
      watch_edges(epoll_, connection->fd.get(), connection.get());
      open_.emplace(connection.get(), std::move(connection));
    }
  }

  // False when the connection is over.
  bool serve(Connection& c) {
    for (;;) {
      if (c.answer != nullptr) {
        if (!write_answer(c)) return false;
        if (c.answer != nullptr) return true;  // blocked
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
    while (c.written < c.answer->size()) {
      const Moved put =
          write_some(c.fd.get(), c.answer->data() + c.written, c.answer->size() - c.written);
      if (put.state == Moved::State::kOver) return false;
      if (put.state == Moved::State::kBlocked) return true;
      c.written += put.bytes;
    }
    c.answer = nullptr;
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
    c.filled -= end + 4;
    if (c.filled > 0) in.substr(end + 4).copy(c.in.data(), c.filled);
    return true;
  }

  const Answer& for_target(std::string_view head) const {
    if (head.starts_with("GET /1k")) return small_;
    if (head.starts_with("GET /64k")) return medium_;
    if (head.starts_with("GET /1m")) return large_;
    return missing_;
  }

  const Answer small_ = make_answer("200 OK", 1024);
  const Answer medium_ = make_answer("200 OK", 64 * 1024);
  const Answer large_ = make_answer("200 OK", 1024 * 1024);
  const Answer missing_ = make_answer("404 Not Found", 0);
  Fd listener_;
  Fd epoll_;
  std::unordered_map<Connection*, std::unique_ptr<Connection>> open_;
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
