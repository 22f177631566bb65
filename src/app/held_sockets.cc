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

HeldSockets::Held* HeldSockets::find(const SocketName& name) {
  const auto at =
      std::find_if(held_.begin(), held_.end(), [&](const Held& held) { return held.name == name; });
  return at == held_.end() ? nullptr : &*at;
}

Result<int> HeldSockets::claim(const SocketName& name, PlaneId plane) {
  Held* held = find(name);
  if (!held) {
    if (held_.size() == kSocketsMax) {
      return fail(Code::kExhausted, fmt::format("{}: an edge listens on at most {} ports",
                                                place_of(name), kSocketsMax));
    }
    Result<io::Fd> opened = name.datagram ? io::bind_udp(name.address, name.port)
                                          : io::listen_tcp(name.address, name.port);
    if (!opened) {
      return fail(opened.error().code,
                  fmt::format("cannot listen on {}: {}", place_of(name), opened.error().message));
    }
    held = &held_.emplace_back(name, std::move(*opened), std::vector<PlaneId>());
  }
  if (std::find(held->claims.begin(), held->claims.end(), plane) == held->claims.end())
    held->claims.push_back(plane);
  return held->fd.get();
}

void HeldSockets::release(const SocketName& name, PlaneId plane) {
  if (Held* held = find(name)) std::erase(held->claims, plane);
  drop_unclaimed();
}

void HeldSockets::release_all(PlaneId plane) {
  for (Held& held : held_) std::erase(held.claims, plane);
  drop_unclaimed();
}

void HeldSockets::stop_queueing(const std::vector<SocketName>& kept) const {
  for (const Held& held : held_) {
    if (!held.name.datagram && std::find(kept.begin(), kept.end(), held.name) == kept.end())
      io::stop_queueing(held.fd.get());
  }
}

void HeldSockets::stop_listening(const std::vector<SocketName>& kept) const {
  for (const Held& held : held_) {
    if (std::find(kept.begin(), kept.end(), held.name) == kept.end())
      io::stop_listening(held.fd.get());
  }
}

void HeldSockets::adopt(SocketName name, io::Fd fd, PlaneId plane) {
  held_.push_back({std::move(name), std::move(fd), {plane}});
}

void HeldSockets::drop_unclaimed() {
  std::erase_if(held_, [](const Held& held) { return held.claims.empty(); });
}

}  // namespace headgate::app
