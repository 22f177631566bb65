#pragma once
// What the load programs have in common: a command line, connections to a server on loopback, and a
// turn of waiting for them. One thread.
#include <sys/epoll.h>

#include <array>
#include <cstdint>
#include <ctime>
#include <utility>

#include "net/arguments.h"
#include "net/socket.h"

namespace headgate::bench {

inline constexpr int kEventsMax = 256;

inline Argument port_argument(std::uint64_t* into) { return {"port", into, 1, 65535}; }

// A connection whose edges come with `owner`; one that cannot even begin ends the program.
inline Fd connect_watched(const Fd& epoll, std::uint64_t port, void* owner) {
  Fd fd = connect_loopback(static_cast<std::uint16_t>(port));
  if (!fd) die("connect");
  watch_edges(epoll, fd.get(), owner);
  return fd;
}

// Calls handle(owner, events) for what has happened, after at most `ns`, which is below a second.
template <class Owner, class Handle>
void wait_edges(const Fd& epoll, std::int64_t ns, Handle handle) {
  std::array<epoll_event, kEventsMax> events;
  const timespec timeout{0, ns};
  const int count = ::epoll_pwait2(epoll.get(), events.data(), kEventsMax, &timeout, nullptr);
  for (int i = 0; i < count; ++i) handle(static_cast<Owner*>(events[i].data.ptr), events[i].events);
}

// Program::Options names its arguments in known(); the program runs and then prints.
template <class Program>
void run_program(int argc, char** argv) {
  typename Program::Options options;
  parse_arguments(argc, argv, options.known());
  raise_descriptor_limit();
  Program program(std::move(options));
  program.run();
  program.print();
}

}  // namespace headgate::bench
