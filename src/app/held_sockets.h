#pragma once
// Listening sockets of one edge, held by the supervisor so that they outlive data planes: a client
// that connects while a data plane is being restarted waits a moment in the queue instead of being
// refused. A socket is open for as long as a data plane claims it. The supervisor's thread.
//
// A UDP port has several sockets, and the system gives each its share of the clients, read or not.
// So a data plane gets all of them and reads them all, however many workers it has, and a port has
// never fewer than before while it is held: that would move clients. More are added when a data
// plane with more workers asks. One that nobody claims any more is taken out of the port before it
// is closed, since a data plane that ends may have it open for a while. While one may, its port is
// bound again beside it; otherwise a port that another program has is refused.
// Limits: kSocketsMax in all, kSharesMax of one port.
#include <cstdint>
#include <map>
#include <set>
#include <vector>

#include "app/socket_name.h"
#include "base/result.h"
#include "io/fd.h"
#include "io/unix_socket.h"

namespace headgate::app {

using PlaneId = std::uint64_t;

class HeldSockets {
 public:
  static constexpr std::size_t kSocketsMax = 1536;
  static constexpr std::size_t kSharesMax = io::kMessageFdsMax;

  struct Held {
    SocketName name;
    io::Fd fd;
    std::vector<PlaneId> claims;
    std::set<PlaneId> given;  // may have it open: those that claimed it and have not ended
  };

  // The descriptors, which stay ours: what is held already, and more until there are `at_least`.
  // One, unless it is a UDP port. On an error nothing has changed.
  Result<std::vector<int>> claim(const SocketName& name, PlaneId plane, std::size_t at_least = 1);
  void release(const SocketName& name, PlaneId plane);
  // Of a data plane that was replaced or that never came to serve. One that died keeps its claims
  // for its successor.
  void release_all(PlaneId plane);
  // Its process is gone, and with it the descriptors that it had.
  void ended(PlaneId plane);
  // The edge ends: who waits to be accepted still is, others stay in the network for the moment.
  // Ports in `kept` go on.
  void stop_queueing(const std::vector<SocketName>& kept) const;
  // Afterwards: clients go elsewhere at once. Ports in `kept` listen until the process ends.
  void stop_listening(const std::vector<SocketName>& kept) const;
  // After the program was replaced: sockets that it inherited, and data planes that retire, which
  // may have open what was given up before.
  void adopt(SocketName name, io::Fd fd, PlaneId plane);
  void adopt_retiring(PlaneId plane) { retiring_.insert(plane); }
  const std::vector<Held>& all() const { return held_; }

 private:
  Result<std::vector<Held>> open_more(const SocketName& name, std::size_t held,
                                      std::size_t at_least) const;
  Result<io::Fd> open(const SocketName& name, bool first) const;
  Result<io::Fd> open_first_datagram(const SocketName& name) const;
  void drop_unclaimed();
  std::vector<Held> held_;
  std::map<std::uint16_t, std::set<PlaneId>> given_up_;  // UDP ports that these may have open
  std::set<PlaneId> retiring_;                           // these may have open any port
};

}  // namespace headgate::app
