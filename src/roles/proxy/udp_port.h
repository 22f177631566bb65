#pragma once
// UDPRoute: datagrams of one client go to one endpoint for as long as both keep talking, in batches
// both ways. One of the sockets of a port, which the system deals clients out to: all datagrams of
// a client meet in one table, at one worker. While it serves, end it by stop() and Loop::retire:
// events of the same turn may still point at it.
// Limits: kFlowsMax flows, and its share of what the port may have; then the one that is silent for
// the longest goes, those that were never answered first.
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
  static constexpr Duration kDrainSilence = 1s;  // of a flow that is waited for

  // `fd`: bound, read by this object alone; `shares`: sockets that the port has.
  UdpPort(WorkerContext& worker, PortView& view, io::Fd fd, std::size_t shares);
  ~UdpPort() override;
  void on_io(std::uint32_t events) override;
  // Ends all flows.
  void stop();
  // Takes nothing more from clients; `last`: but what waits now, because no other process reads the
  // socket. Flows go on until they are silent, for the answers that are on their way; then the
  // socket is closed.
  void drain(bool last);
  std::size_t flows() const { return flows_.size(); }

  // From its flows.
  void receive_answers(UdpFlow& flow);

 private:
  using Datagrams = std::span<const io::Datagram>;
  void receive(int batches_max);
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
  void arm_sweep();
  std::size_t flows_max() const;
  Duration idle_max(const UdpFlow& flow) const;

  WorkerContext& worker_;
  PortView& view_;
  io::Fd fd_;
  const std::size_t shares_;
  bool watching_ = false, draining_ = false;
  io::DatagramBatch batch_;
  std::unordered_map<FlowKey, UdpFlow*, FlowKeyHash> flows_;
  List<UdpFlow, FlowTag> unanswered_, answered_;  // front: silent for the longest
  io::MemberTimer<&UdpPort::sweep> sweep_{this};
};

}  // namespace headgate::proxy
