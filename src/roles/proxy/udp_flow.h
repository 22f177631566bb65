#pragma once
// One client of a UDP port and the endpoint that its datagrams go to, over a connected socket of their own, so that answers
// and ICMP errors find their flow by themselves. Belongs to its UdpPort. Worker thread.
#include <cstdint>
#include <span>
#include <string_view>

#include "base/hash.h"
#include "base/list.h"
#include "io/fd.h"
#include "io/loop.h"
#include "roles/proxy/forward_target.h"

namespace headgate::proxy {

class UdpPort;

// A client, and the address of ours that it spoke to: answers come from there.
struct FlowKey {
  wire::ip::Endpoint client;
  wire::ip::IpAddress local;
  friend bool operator==(const FlowKey&, const FlowKey&) = default;
};

// Seeded by the port: clients choose their addresses and ports.
struct FlowKeyHash {
  std::uint64_t seed = 0;
  std::size_t operator()(const FlowKey& key) const { return hash_of(key.client, hash_of(key.local, seed)); }
};

struct FlowTag;
class UdpFlow final : public io::EventHandler, public ListNode<FlowTag> {
 public:
  UdpFlow(UdpPort& port, FlowKey key, ForwardRoute route, std::shared_ptr<OriginPool> pool, EndpointUse use, Instant now);

  // False: no socket, or the loop refused it.
  bool open(io::Loop& loop);
  void on_io(std::uint32_t events) override;

  const UdpPort& port() const { return port_; }
  const FlowKey& key() const { return key_; }
  const ForwardRoute& route() const { return route_; }
  const OriginPool& pool() const { return *pool_; }
  OriginPool& pool() { return *pool_; }
  const EndpointUse& use() const { return use_; }
  int fd() const { return socket_.get(); }

  // The endpoint has answered: no invented client address, and the last one to be given up.
  bool answered = false;
  Instant last_used;
  const Instant started;
  std::uint64_t bytes_up = 0, bytes_down = 0;

 private:
  UdpPort& port_;
  const FlowKey key_;
  const ForwardRoute route_;
  std::shared_ptr<OriginPool> pool_;
  EndpointUse use_;
  io::Fd socket_;
};

}  // namespace headgate::proxy
