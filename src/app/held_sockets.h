#pragma once
// Listening sockets of one edge, held by the supervisor so that they outlive data planes: a client
// that connects while a data plane is being restarted waits a moment in the queue instead of being
// refused. A socket is open for as long as a data plane claims it. The supervisor's thread. Limit:
// kSocketsMax.
#include <cstdint>
#include <vector>

#include "app/socket_name.h"
#include "base/result.h"
#include "io/fd.h"

namespace headgate::app {

using PlaneId = std::uint64_t;

class HeldSockets {
 public:
  static constexpr std::size_t kSocketsMax = 1024;

  struct Held {
    SocketName name;
    io::Fd fd;
    std::vector<PlaneId> claims;
  };

  // The descriptor, which stays ours; opened unless it is held already.
  Result<int> claim(const SocketName& name, PlaneId plane);
  void release(const SocketName& name, PlaneId plane);
  // Of a data plane that was replaced or that never came to serve. One that died keeps its claims
  // for its successor.
  void release_all(PlaneId plane);
  // The edge ends: who waits to be accepted still is, others stay in the network for the moment.
  // Ports in `kept` go on.
  void stop_queueing(const std::vector<SocketName>& kept) const;
  // Afterwards: clients go elsewhere at once. Ports in `kept` listen until the process ends.
  void stop_listening(const std::vector<SocketName>& kept) const;
  // After the program was replaced: sockets that it inherited.
  void adopt(SocketName name, io::Fd fd, PlaneId plane);
  const std::vector<Held>& all() const { return held_; }

 private:
  Held* find(const SocketName& name);
  void drop_unclaimed();
  std::vector<Held> held_;
};

}  // namespace headgate::app
