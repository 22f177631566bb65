#include "roles/proxy/udp_port.h"

#include <algorithm>
#include <array>
#include <utility>

#include "io/socket.h"
#include "roles/proxy/access_log.h"
#include "roles/proxy/worker_context.h"

namespace headgate::proxy {

namespace {

constexpr int kBatchesPerWake = 4;
constexpr int kBatchesWaitingMax = 1024;  // more than a receive buffer holds
constexpr Duration kSweepEvery = 1s, kDrainSweepEvery = 100ms;

std::uint64_t bytes_of(std::span<const io::Datagram> datagrams, std::size_t count) {
  std::uint64_t bytes = 0;
  for (const io::Datagram& datagram : datagrams.first(count)) bytes += datagram.bytes.size();
  return bytes;
}

std::span<const std::string_view> views_of(std::span<const io::Datagram> datagrams,
                                           std::array<std::string_view, io::kDatagramBatch>& views) {
  for (std::size_t i = 0; i < datagrams.size(); ++i) views[i] = datagrams[i].bytes;
  return {views.data(), datagrams.size()};
}

}  // namespace

UdpPort::UdpPort(WorkerContext& worker, PortView& view, io::Fd fd, std::size_t shares)
    : worker_(worker),
      view_(view),
      fd_(std::move(fd)),
      shares_(shares),
      flows_(64, FlowKeyHash{worker.prng.next()}) {
  if (wire::ip::is_unspecified(io::local_endpoint(fd_.get()).address))
    io::report_local_address(fd_.get());
  watching_ = worker_.loop.add(fd_.get(), EPOLLIN, *this).has_value();
}

UdpPort::~UdpPort() { stop(); }

void UdpPort::stop() {
  if (std::exchange(watching_, false)) worker_.loop.remove(fd_.get());
  worker_.loop.disarm(sweep_);
  while (!flows_.empty()) end(*flows_.begin()->second, "port_closed");
}

void UdpPort::drain(bool last) {
  if (!watching_) return;
  if (last) receive(kBatchesWaitingMax);
  worker_.loop.remove(fd_.get());
  watching_ = false;
  draining_ = true;
  sweep();
}

void UdpPort::on_io(std::uint32_t) {
  if (watching_) receive(kBatchesPerWake);
}

void UdpPort::receive(int batches_max) {
  for (int i = 0; i < batches_max; ++i) {
    if (batch_.receive(fd_.get()) != io::Transfer::State::kDone) return;
    worker_.stats.datagrams_received.add(batch_.datagrams().size());
    forward(batch_.datagrams());
    if (batch_.datagrams().size() < io::kDatagramBatch) return;
  }
}

// Datagrams of one client that stand together leave together.
void UdpPort::forward(Datagrams datagrams) {
  while (!datagrams.empty()) {
    const io::Datagram& first = datagrams.front();
    std::size_t run = 1;
    while (run < datagrams.size() && datagrams[run].peer == first.peer && datagrams[run].local == first.local) ++run;
    if (UdpFlow* flow = find_or_open({first.peer, first.local})) send_up(*flow, datagrams.first(run));
    else worker_.stats.datagrams_dropped.add(run);
    datagrams = datagrams.subspan(run);
  }
}

UdpFlow* UdpPort::find_or_open(const FlowKey& key) {
  const auto found = flows_.find(key);
  return found != flows_.end() ? found->second : open(key);
}

UdpFlow* UdpPort::open(const FlowKey& key) {
  if (!view_.port || view_.port->forwards.empty()) return nullptr;
  const model::ForwardRule& rule = view_.port->forwards.front();
  ForwardRoute route = route_of(*view_.world, rule);
  if (!admits(*view_.world, rule, key.client.address)) {
    if (route.stats) route.stats->denied.add();
    return nullptr;
  }
  auto pool = pick_pool(*view_.world, rule, worker_.prng);
  if (!pool || !make_room()) return nullptr;
  const Instant now = worker_.loop.now();
  Slot* slot = pick_endpoint(*pool, wire::ip::to_string(key.client.address), {}, now, worker_.prng);
  if (!slot) return nullptr;
  EndpointUse use(pool, *slot);
  auto flow = std::make_unique<UdpFlow>(*this, key, std::move(route), std::move(pool), std::move(use), now);
  if (!flow->open(worker_.loop)) {
    flow->use().report(true, now);
    worker_.stats.udp_flows_refused.add();
    return nullptr;
  }
  worker_.stats.udp_flows.add();
  worker_.stats.udp_flows_open.add(1);
  flows_.emplace(key, flow.get());
  unanswered_.push_back(*flow);
  if (!sweep_.armed()) arm_sweep();
  return flow.release();  // ended by end() or by the destructor
}

// Clients are spread by a hash, so each socket of the port may have its part of the flows.
std::size_t UdpPort::flows_max() const {
  const std::size_t configured = view_.port ? view_.port->settings.connections_max : 0;
  return configured == 0 ? kFlowsMax : std::min((configured + shares_ - 1) / shares_, kFlowsMax);
}

// Invented client addresses never hear an answer, so a flood of them pushes out its own.
bool UdpPort::make_room() {
  if (flows_.size() < flows_max()) return true;
  if (unanswered_.empty() && answered_.empty()) return false;
  worker_.stats.udp_flows_evicted.add();
  end(unanswered_.empty() ? answered_.front() : unanswered_.front(), "evicted");
  return true;
}

void UdpPort::touch(UdpFlow& flow) {
  flow.last_used = worker_.loop.now();
  (flow.answered ? answered_ : unanswered_).push_back(flow);
}

void UdpPort::send_up(UdpFlow& flow, Datagrams datagrams) {
  touch(flow);
  std::array<std::string_view, io::kDatagramBatch> space;
  const auto views = views_of(datagrams, space);
  io::Sent sent = io::send_connected(flow.fd(), views);
  // An ICMP error of an earlier datagram is reported by the next send, which sends nothing.
  const int icmp_error = sent.state == io::Transfer::State::kFailed ? sent.error : 0;
  if (icmp_error != 0) {
    const io::Sent again = io::send_connected(flow.fd(), views.subspan(sent.count));
    sent.count += again.count;
  }
  flow.bytes_up += bytes_of(datagrams, sent.count);
  worker_.stats.datagrams_sent.add(sent.count);
  worker_.stats.datagrams_dropped.add(datagrams.size() - sent.count);
  if (flow.route().stats) flow.route().stats->request_bytes.add(bytes_of(datagrams, sent.count));
  if (icmp_error != 0) origin_failed(flow, icmp_error);
}

void UdpPort::receive_answers(UdpFlow& flow) {
  for (int i = 0; i < kBatchesPerWake; ++i) {
    const io::Transfer::State state = batch_.receive_connected(flow.fd());
    if (state == io::Transfer::State::kFailed) return origin_failed(flow, batch_.error());
    if (state != io::Transfer::State::kDone) return;
    send_down(flow, batch_.datagrams());
    if (batch_.datagrams().size() < io::kDatagramBatch) return;
  }
}

void UdpPort::send_down(UdpFlow& flow, Datagrams datagrams) {
  if (!flow.answered) flow.use().report(false, worker_.loop.now());
  flow.answered = true;
  touch(flow);
  std::array<std::string_view, io::kDatagramBatch> space;
  const io::Sent sent =
      io::send_to(fd_.get(), flow.key().client, flow.key().local, views_of(datagrams, space));
  const std::uint64_t bytes = bytes_of(datagrams, sent.count);
  flow.bytes_down += bytes;
  worker_.stats.datagrams_received.add(datagrams.size());
  worker_.stats.datagrams_sent.add(sent.count);
  worker_.stats.datagrams_dropped.add(datagrams.size() - sent.count);
  if (flow.route().stats) flow.route().stats->response_bytes.add(bytes);
}

// ICMP says that nobody listens, or that there is no way: the next datagram of the client chooses anew.
void UdpPort::origin_failed(UdpFlow& flow, int) {
  flow.pool().stats().resets.add();
  flow.use().report(true, worker_.loop.now());
  end(flow, "upstream_reset");
}

void UdpPort::end(UdpFlow& flow, const char* reason) {
  record(flow, reason);
  worker_.stats.udp_flows_open.add(-1);
  flows_.erase(flow.key());
  flow.ListNode<FlowTag>::unlink();
  worker_.loop.remove(flow.fd());
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(&flow));
}

void UdpPort::record(const UdpFlow& flow, const char* reason) {
  const std::string client = wire::ip::to_string(flow.key().client.address);
  ForwardRecord line;
  line.client = client;
  line.protocol = "udp";
  line.route = flow.route().name;
  line.upstream = flow.pool().definition().name;
  line.endpoint = flow.use().endpoint()->name;
  line.received_bytes = flow.bytes_up;
  line.sent_bytes = flow.bytes_down;
  line.started = flow.started;
  line.reason = reason;
  line.fault = reason && std::string_view(reason) == "upstream_reset" ? Source::kOrigin : Source::kSelf;
  worker_.access_log.record_forward(line, &flow.route().traffic->access_log, flow.route().stats);
}

void UdpPort::sweep() {
  const Instant now = worker_.loop.now();
  for (List<UdpFlow, FlowTag>* list : {&unanswered_, &answered_}) {
    while (!list->empty() && now - list->front().last_used >= idle_max(list->front())) end(list->front(), nullptr);
  }
  if (!flows_.empty()) return arm_sweep();
  worker_.loop.disarm(sweep_);
  if (draining_) fd_ = io::Fd();
}

void UdpPort::arm_sweep() { worker_.loop.arm(sweep_, draining_ ? kDrainSweepEvery : kSweepEvery); }

Duration UdpPort::idle_max(const UdpFlow& flow) const {
  const Duration configured = flow.route().traffic->timeouts.body_idle;
  return draining_ ? std::min(configured, kDrainSilence) : configured;
}

}  // namespace headgate::proxy
