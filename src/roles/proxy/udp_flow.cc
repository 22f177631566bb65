#include "roles/proxy/udp_flow.h"

#include "roles/proxy/udp_port.h"

namespace headgate::proxy {

UdpFlow::UdpFlow(UdpPort& port, FlowKey key, ForwardRoute route, std::shared_ptr<OriginPool> pool, EndpointUse use,
                 Instant now)
    : last_used(now), started(now), port_(port), key_(key), route_(std::move(route)), pool_(std::move(pool)),
      use_(std::move(use)) {}

bool UdpFlow::open(io::Loop& loop) {
  auto fd = io::connect_datagram(use_.endpoint()->address);
  if (!fd) return false;
  socket_ = std::move(*fd);
  return loop.add(socket_.get(), EPOLLIN, *this).has_value();
}

void UdpFlow::on_io(std::uint32_t) { port_.receive_answers(*this); }

}  // namespace headgate::proxy
