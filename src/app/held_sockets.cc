#include "app/held_sockets.h"

#include <fmt/format.h>

#include <algorithm>

#include "io/socket.h"

namespace headgate::app {

namespace {
std::string place_of(const SocketName& name) {
  return fmt::format("{} port {} on {}", name.datagram ? "UDP" : "TCP", name.port,
                     name.address.empty() ? "every address" : name.address);
}
}  // namespace

Result<io::Fd> HeldSockets::open(const SocketName& name, bool first) const {
  if (!name.datagram) return io::listen_tcp(name.address, name.port);
  if (first) return open_first_datagram(name);
  return io::bind_udp(name.address, name.port, io::UdpShare::kFurther);
}

// The first socket of a UDP port finds out whether another program has it. Not when a port of that
// number is held: a change may move it from one address to every address.
Result<io::Fd> HeldSockets::open_first_datagram(const SocketName& name) const {
  const bool held_now = std::any_of(held_.begin(), held_.end(), [&](const Held& held) {
    return held.name.datagram && held.name.port == name.port;
  });
  if (held_now) return io::bind_udp(name.address, name.port, io::UdpShare::kFurther);
  auto fd = io::bind_udp(name.address, name.port, io::UdpShare::kFirst);
  const bool ours = !retiring_.empty() || given_up_.contains(name.port);
  if (fd || !ours) return fd;
  return io::bind_udp(name.address, name.port, io::UdpShare::kAgain);
}

Result<std::vector<HeldSockets::Held>> HeldSockets::open_more(const SocketName& name,
                                                              std::size_t held,
                                                              std::size_t at_least) const {
  std::vector<Held> more;
  while (held + more.size() < at_least) {
    if (held_.size() + more.size() == kSocketsMax) {
      return fail(Code::kExhausted,
                  fmt::format("{}: an edge has at most {} listening sockets, and a UDP port takes "
                              "one for each worker",
                              place_of(name), kSocketsMax));
    }
    Result<io::Fd> opened = open(name, held + more.size() == 0);
    if (!opened) {
      return fail(opened.error().code,
                  fmt::format("cannot listen on {}: {}", place_of(name), opened.error().message));
    }
    more.push_back({name, std::move(*opened), {}, {}});
  }
  return more;
}

Result<std::vector<int>> HeldSockets::claim(const SocketName& name, PlaneId plane,
                                            std::size_t at_least) {
  const auto same = [&](const Held& held) { return held.name == name; };
  const auto held = static_cast<std::size_t>(std::count_if(held_.begin(), held_.end(), same));
  const std::size_t wanted = name.datagram ? std::clamp<std::size_t>(at_least, 1, kSharesMax) : 1;
  auto more = open_more(name, held, wanted);
  if (!more) return std::unexpected(more.error());
  for (Held& one : *more) held_.push_back(std::move(one));
  std::vector<int> fds;
  for (Held& one : held_) {
    if (!same(one)) continue;
    if (std::find(one.claims.begin(), one.claims.end(), plane) == one.claims.end())
      one.claims.push_back(plane);
    one.given.insert(plane);
    fds.push_back(one.fd.get());
  }
  return fds;
}

void HeldSockets::release(const SocketName& name, PlaneId plane) {
  for (Held& held : held_)
    if (held.name == name) std::erase(held.claims, plane);
  drop_unclaimed();
}

void HeldSockets::release_all(PlaneId plane) {
  for (Held& held : held_) std::erase(held.claims, plane);
  drop_unclaimed();
}

void HeldSockets::ended(PlaneId plane) {
  for (Held& held : held_) held.given.erase(plane);
  for (auto& [port, planes] : given_up_) planes.erase(plane);
  std::erase_if(given_up_, [](const auto& entry) { return entry.second.empty(); });
  retiring_.erase(plane);
}

void HeldSockets::stop_queueing(const std::vector<SocketName>& kept) const {
  for (const Held& held : held_) {
    if (!held.name.datagram && std::find(kept.begin(), kept.end(), held.name) == kept.end())
      io::stop_queueing(held.fd.get());
  }
}

void HeldSockets::stop_listening(const std::vector<SocketName>& kept) const {
  for (const Held& held : held_) {
    if (std::find(kept.begin(), kept.end(), held.name) != kept.end()) continue;
    held.name.datagram ? io::stop_receiving(held.fd.get()) : io::stop_listening(held.fd.get());
  }
}

void HeldSockets::adopt(SocketName name, io::Fd fd, PlaneId plane) {
  held_.push_back({std::move(name), std::move(fd), {plane}, {plane}});
}

void HeldSockets::drop_unclaimed() {
  std::erase_if(held_, [this](const Held& held) {
    if (!held.claims.empty()) return false;
    if (held.name.datagram) {
      io::stop_receiving(held.fd.get());
      if (!held.given.empty())
        given_up_[held.name.port].insert(held.given.begin(), held.given.end());
    }
    return true;
  });
}

}  // namespace headgate::app
