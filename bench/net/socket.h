#pragma once
// Non-blocking loopback sockets for the programs of the benchmark. One thread; an Fd closes what it
// owns. A failure of the operating system ends the program with a message: a benchmark has nothing
// to rescue.
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <utility>

namespace headgate::bench {

class Fd {
 public:
  Fd() = default;
  explicit Fd(int raw) : raw_(raw) {}
  Fd(Fd&& other) noexcept : raw_(std::exchange(other.raw_, -1)) {}
  Fd& operator=(Fd&& other) noexcept;
  ~Fd() { reset(); }
  int get() const { return raw_; }
  explicit operator bool() const { return raw_ >= 0; }
  void reset();

 private:
  int raw_ = -1;
};

// Prints `what` with errno and exits 1.
[[noreturn]] void die(std::string_view what);

// Digits only, at most `max`; anything else ends the program with the name of the argument.
std::uint64_t parse_number(std::string_view name, const char* text, std::uint64_t max);

Fd listen_loopback(std::uint16_t port);
// Starts a connection; the socket is writable once it stands. Empty when the kernel refuses at
// once.
Fd connect_loopback(std::uint16_t port);
// Empty when nothing is waiting.
Fd accept_from(const Fd& listener);
Fd make_epoll();
// Edge-triggered for reading, writing and the peer's FIN.
void watch_edges(const Fd& epoll, int fd, void* owner);

// The outcome of one read or write: bytes moved, would block, or over.
struct Moved {
  enum class State : std::uint8_t { kBytes, kBlocked, kOver };
  State state = State::kBlocked;
  std::size_t bytes = 0;
};
Moved read_some(int fd, char* into, std::size_t size);
Moved write_some(int fd, const char* from, std::size_t size);

// CLOCK_MONOTONIC.
std::int64_t now_ns();
void raise_descriptor_limit();

}  // namespace headgate::bench
