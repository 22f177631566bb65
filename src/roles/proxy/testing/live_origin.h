#pragma once
// For tests: an origin on a free loopback port, a thread for each connection, an answer for each request by a function.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <condition_variable>
#include <cstring>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace headgate::proxy::testing {

// A blocking connection that reads whole HTTP/1.1 messages with Content-Length or chunks (kept as they are).
class Wire {
 public:
  explicit Wire(int fd) : fd_(fd) {}
  Wire(const Wire&) = delete;
  Wire& operator=(const Wire&) = delete;
  ~Wire() { ::close(fd_); }
  static int connect_to(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in to{};
    to.sin_family = AF_INET;
    to.sin_port = htons(port);
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    timeval limit{20, 0};
    ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) != 0) ::shutdown(fd, SHUT_RDWR);
    return fd;
  }
  int fd() const { return fd_; }
  bool send(std::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  // Head and body; empty at the end of the connection.
  std::string read_message() {
    std::size_t end = std::string::npos;
    while ((end = held_.find("\r\n\r\n")) == std::string::npos)
      if (!read_more()) return {};
    const std::string head = held_.substr(0, end + 4);
    std::size_t size = head.size();
    if (const auto at = head.find("content-length: "); at != std::string::npos) {
      size += std::stoul(head.substr(at + 16));
    } else if (head.find("transfer-encoding: chunked") != std::string::npos) {
      std::size_t last = std::string::npos;
      while ((last = held_.find("0\r\n\r\n", end + 4)) == std::string::npos)
        if (!read_more()) return {};
      size = last + 5;
    }
    while (held_.size() < size)
      if (!read_more()) return {};
    std::string message = held_.substr(0, size);
    held_.erase(0, size);
    return message;
  }

 private:
  bool read_more() {
    char piece[65536];
    const ssize_t got = ::recv(fd_, piece, sizeof piece, 0);
    if (got <= 0) return false;
    held_.append(piece, static_cast<std::size_t>(got));
    return true;
  }
  int fd_;
  std::string held_;
};

inline std::string response(int status, std::string_view body = "ok", std::string_view fields = "") {
  return "HTTP/1.1 " + std::to_string(status) + " X\r\ncontent-length: " + std::to_string(body.size()) + "\r\n" +
         std::string(fields) + "\r\n" + std::string(body);
}

class LiveOrigin {
 public:
  using Answer = std::function<std::string(const std::string& request)>;  // "": says nothing, and keeps the connection

  explicit LiveOrigin(Answer answer = [](const std::string&) { return response(200); }) : answer_(std::move(answer)) {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in at{};
    at.sin_family = AF_INET;
    at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t size = sizeof at;
    if (::bind(listener_, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || ::listen(listener_, 64) != 0) ::abort();
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&at), &size);
    port_ = ntohs(at.sin_port);
    threads_.emplace_back([this] { accept_all(); });
  }
  ~LiveOrigin() {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
      ::shutdown(listener_, SHUT_RDWR);
      for (const int fd : open_) ::shutdown(fd, SHUT_RDWR);
    }
    threads_.front().join();
    for (std::size_t i = 1; i < threads_.size(); ++i) threads_[i].join();
    ::close(listener_);
  }

  std::uint16_t port() const { return port_; }
  std::size_t accepted() {
    const std::lock_guard lock(mutex_);
    return threads_.size() - 1;
  }
  // Waits until `count` requests have come, and returns all of them.
  std::vector<std::string> requests(std::size_t count) {
    std::unique_lock lock(mutex_);
    changed_.wait_for(lock, std::chrono::seconds(20), [&] { return requests_.size() >= count; });
    return requests_;
  }

 private:
  void accept_all() {
    while (true) {
      const int fd = ::accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
      if (fd < 0) return;
      const std::lock_guard lock(mutex_);
      if (closing_) {
        ::close(fd);
        return;
      }
      open_.push_back(fd);
      threads_.emplace_back([this, fd] { serve(fd); });
    }
  }
  void serve(int fd) {
    Wire wire(fd);
    for (std::string request = wire.read_message(); !request.empty(); request = wire.read_message()) {
      {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
      }
      changed_.notify_all();
      if (!wire.send(answer_(request))) break;
    }
    const std::lock_guard lock(mutex_);
    std::erase(open_, fd);
  }

  Answer answer_;
  int listener_ = -1;
  std::uint16_t port_ = 0;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<std::string> requests_;
  std::vector<int> open_;
  std::vector<std::thread> threads_;
  bool closing_ = false;
};

}  // namespace headgate::proxy::testing
