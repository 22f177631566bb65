#pragma once
// UDPRoute: datagrams of one client go to one endpoint for as long as both keep talking, in batches both ways.
// A socket has one reading worker, so that all datagrams of a client meet in one table (several workers serve a port
// only with a SO_REUSEPORT socket each). While it serves, end it by stop() and Loop::retire: events of the same turn may still
// point at it.
// Limits: kFlowsMax flows; then the one that is silent for the longest goes, those that were never answered first.
#include <cstdint>
#include <unordered_map>

#include "io/datagram.h"
#include "io/loop.h"
#include "roles/proxy/udp_flow.h"
#include "roles/proxy/worker_context.h"

namespace headgate::proxy {

class UdpPort final : public io::EventHandler {
 public:
  static constexpr std::size_t kFlowsMax = 8192;

  // `fd`: bound, this worker's alone, open for as long as the port lives; closed by its owner.
  UdpPort(WorkerContext& worker, PortView& view, int fd);
  ~UdpPort() override;
  void on_io(std::uint32_t events) override;
  // Lets go of the socket, which may be closed from then on, and ends all flows.
  void stop();
  std::size_t flows() const { return flows_.size(); }

  // From its flows.
  void receive_answers(UdpFlow& flow);

 private:
  using Datagrams = std::span<const io::Datagram>;
  void forward(Datagrams datagrams);
  UdpFlow* find_or_open(const FlowKey& key);
  UdpFlow* open(const FlowKey& key);
  bool make_room();
  void send_up(UdpFlow& flow, Datagrams datagrams);
  void send_down(UdpFlow& flow, Datagrams datagrams);
  void touch(UdpFlow& flow);
  void origin_failed(UdpFlow& flow, int error);
  void end(UdpFlow& flow, const char* reason);
  void record(const UdpFlow& flow, const char* reason);
  void sweep();
  Duration idle_max(const UdpFlow& flow) const { return flow.route().traffic->timeouts.body_idle; }

  WorkerContext& worker_;
  PortView& view_;
  const int fd_;
  bool watching_ = false;
  io::DatagramBatch batch_;
  std::unordered_map<FlowKey, UdpFlow*, FlowKeyHash> flows_;
  List<UdpFlow, FlowTag> unanswered_, answered_;  // front: silent for the longest
  io::MemberTimer<&UdpPort::sweep> sweep_{this};
};

}  // namespace headgate::proxy
