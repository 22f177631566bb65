#include "roles/proxy/origin_pool.h"

#include <algorithm>

#include "roles/proxy/origin_connector.h"
#include "roles/proxy/origin_h2.h"
#include "wire/proxy_protocol/proxy_protocol.h"

namespace headgate::proxy {

namespace {
constexpr Duration kSweepEvery = 250ms;
constexpr Duration kLendAfter = 500ms;  // idle for longer than this: another worker may need it more
}  // namespace

OriginPool::OriginPool(WorkerContext& worker, std::shared_ptr<UpstreamState> state,
                       std::shared_ptr<io::tls::ClientContext> tls)
    : worker_(worker), state_(std::move(state)), tls_(std::move(tls)), stats_(worker.stats.upstream(definition().name)),
      concurrency_(decide::health::start_concurrency(definition().adaptive, worker.loop.now())) {
  refresh();
}

OriginPool::~OriginPool() { retire(); }

void OriginPool::refresh() {
  const std::uint64_t version = state_->version();
  if (version == version_) return;
  version_ = version;
  const auto set = state_->endpoints();
  std::vector<std::unique_ptr<Slot>> next;
  for (const auto& endpoint : set->endpoints) {
    const auto old = std::find_if(slots_.begin(), slots_.end(), [&](const auto& s) { return s && s->endpoint == endpoint; });
    if (old != slots_.end()) {
      next.push_back(std::move(*old));
    } else {
      next.push_back(std::make_unique<Slot>());
      next.back()->endpoint = endpoint;
    }
  }
  slots_.swap(next);
  for (auto& slot : next) {
    if (!slot) continue;
    slot->removed = true;
    while (!slot->idle.empty()) slot->idle.front().close();
    if (slot->connections > 0 || slot->active > 0 || !slot->waiting.empty()) leaving_.push_back(std::move(slot));
  }
  balancer_.rebuild(definition(), slots_, worker_.loop.now(), worker_.prng);
}

bool OriginPool::admits() const {
  if (!definition().adaptive.enabled) return true;
  return decide::health::admits(concurrency_, static_cast<std::uint32_t>(stats_.active_requests.value()));
}

void OriginPool::observe(Duration latency, bool dropped) {
  if (!definition().adaptive.enabled) return;
  const auto in_flight = static_cast<std::uint32_t>(stats_.active_requests.value());
  concurrency_ = decide::health::on_finished(concurrency_, {latency, dropped, in_flight}, definition().adaptive,
                                             worker_.loop.now());
}

OriginPool::Acquired OriginPool::acquire(Slot& slot, Waiter& waiter, OriginStream*& stream) {
  for (OriginH2* connection : slot.multiplexed) {
    if (!connection->has_room()) continue;
    stream = connection->open(waiter.receiver);
    return Acquired::kReady;
  }
  if (OriginH1* connection = take_idle(slot, waiter)) {
    connection->attach(waiter.receiver);
    stream = connection;
    return Acquired::kReady;
  }
  const model::UpstreamLimits& limits = definition().limits;
  if (stats_.pending_requests.value() >= static_cast<std::int64_t>(limits.pending_max)) return Acquired::kOverflow;
  if (definition().send_proxy_protocol == model::ProxyProtocol::kNone && state_->may_borrow() && !waiter.needs_fresh) {
    if (auto lent = state_->borrow(*slot.endpoint, worker_.loop.now())) {
      auto connection = std::make_unique<OriginH1>(worker_, *this, slot, std::move(lent->stream), lent->requests_served);
      if (connection->alive_by_peek() && connection->start_watching(false)) {
        ++slot.connections;
        stats_.connections.add(1);
        stats_.borrowed_connections.add();
        OriginH1* raw = connection.release();  // owns itself from here: retires into the loop
        raw->attach(waiter.receiver);
        stream = raw;
        return Acquired::kReady;
      }
      state_->connections.fetch_sub(1, std::memory_order_relaxed);
    }
  }
  slot.waiting.push_back(waiter);
  std::uint32_t waiting = 0;
  for (Waiter* w = &slot.waiting.front(); w; w = slot.waiting.next_of(*w)) ++waiting;
  const bool multiplexing = definition().protocol == model::UpstreamProtocol::kHttp2 && slot.connecting > 0;
  if (slot.connecting >= waiting || multiplexing) return Acquired::kWaiting;
  if (connect(slot, waiter) || slot.connections > 0) return Acquired::kWaiting;
  waiter.unlink();
  return Acquired::kOverflow;
}

OriginH1* OriginPool::take_idle(Slot& slot, const Waiter& waiter) {
  while (!slot.idle.empty()) {
    OriginH1& connection = slot.idle.front();
    if (!waiter.needs_fresh || connection.alive_by_peek()) return &connection;
    connection.close();
  }
  return nullptr;
}

bool OriginPool::within_connection_limit() {
  const auto limit = static_cast<std::int64_t>(definition().limits.connections_max);
  if (state_->connections.fetch_add(1, std::memory_order_relaxed) < limit) return true;
  state_->connections.fetch_sub(1, std::memory_order_relaxed);
  stats_.overflows.add();
  return false;
}

// Makes room within the limit: an unused connection to one endpoint must not keep requests from another.
bool OriginPool::close_an_idle_one() {
  for (const auto& slot : slots_) {
    if (slot->idle.empty()) continue;
    slot->idle.back().close();
    return true;
  }
  return false;
}

bool OriginPool::admit_connection(Slot& slot) {
  if (!within_connection_limit()) return false;
  ++slot.connections;
  stats_.connections.add(1);
  return true;
}

// False: a limit says no, or the connection failed at once.
bool OriginPool::connect(Slot& slot, const Waiter& waiter) {
  if (!within_connection_limit() && !(close_an_idle_one() && within_connection_limit())) return false;
  std::string header;
  if (definition().send_proxy_protocol != model::ProxyProtocol::kNone) {
    namespace pp = wire::proxy_protocol;
    const auto& to = slot.endpoint->address.endpoint;
    if (definition().send_proxy_protocol == model::ProxyProtocol::kV1) pp::append_v1(header, waiter.client, to);
    else pp::append_v2(header, waiter.client, to);
  }
  auto connector = std::make_unique<OriginConnector>(worker_, *this, definition(), slot, tls_.get());
  stats_.connects.add();
  if (!connector->start(std::move(header))) {
    state_->connections.fetch_sub(1, std::memory_order_relaxed);
    stats_.connect_failures.add();
    return false;
  }
  connectors_.push_back(connector.release());
  ++slot.connecting;
  ++slot.connections;
  stats_.connections.add(1);
  return true;
}

void OriginPool::connected(OriginConnector& connector, io::Stream stream, bool h2) {
  Slot& slot = connector.slot();
  std::erase(connectors_, &connector);
  --slot.connecting;
  if (h2) {
    auto connection = std::make_unique<OriginH2>(worker_, *this, slot, std::move(stream));
    slot.multiplexed.push_back(connection.get());
    return connection.release()->start();
  }
  auto connection = std::make_unique<OriginH1>(worker_, *this, slot, std::move(stream), 0);
  if (!connection->start_watching(true)) return closed(slot);
  attach_and_tell(slot, *connection.release());
}

void OriginPool::connect_failed(OriginConnector& connector, const OriginFailure& failure) {
  Slot& slot = connector.slot();
  std::erase(connectors_, &connector);
  --slot.connecting;
  (failure.kind == OriginFailure::Kind::kTls ? stats_.tls_failures : stats_.connect_failures).add();
  closed(slot);
  if (slot.waiting.empty()) return;
  Waiter& waiter = slot.waiting.front();
  waiter.unlink();
  waiter.receiver.on_origin_failed(failure);
}

void OriginPool::give_back(OriginH1& connection) {
  Slot& slot = connection.slot();
  if (slot.removed || retired_) return connection.close();
  attach_and_tell(slot, connection);
}

// Serves the longest waiting request, or keeps the connection for the next one.
void OriginPool::attach_and_tell(Slot& slot, OriginH1& connection) {
  slot.idle.push_front(connection);
  if (slot.waiting.empty()) return arm_sweep();
  serve_waiting(slot);
}

void OriginPool::serve_waiting(Slot& slot) {
  while (!slot.waiting.empty()) {
    Waiter& waiter = slot.waiting.front();
    OriginH1* connection = take_idle(slot, waiter);
    if (!connection) return;
    waiter.unlink();
    connection->attach(waiter.receiver);
    waiter.receiver.on_origin_ready(*connection);
  }
}

void OriginPool::h2_has_room(OriginH2& connection) {
  Slot& slot = connection.slot();
  while (!slot.waiting.empty() && connection.has_room()) {
    Waiter& waiter = slot.waiting.front();
    waiter.unlink();
    waiter.receiver.on_origin_ready(*connection.open(waiter.receiver));
  }
}

void OriginPool::h2_gone(OriginH2& connection) {
  std::erase(connection.slot().multiplexed, &connection);
  closed(connection.slot());
}

void OriginPool::closed(Slot& slot) {
  --slot.connections;
  stats_.connections.add(-1);
  state_->connections.fetch_sub(1, std::memory_order_relaxed);
  if (!slot.waiting.empty() && slot.connecting == 0 && !retired_) connect(slot, slot.waiting.front());
}

void OriginPool::arm_sweep() {
  if (!sweep_.armed()) worker_.loop.arm(sweep_, kSweepEvery);
}

void OriginPool::sweep() {
  bool any_idle = false;
  for (const auto& slot : slots_) {
    sweep_slot(*slot);
    any_idle = any_idle || !slot->idle.empty() || !slot->multiplexed.empty();
  }
  std::erase_if(leaving_, [](const auto& slot) { return slot->connections == 0 && slot->active == 0; });
  if (any_idle || !leaving_.empty()) arm_sweep();
}

// The back of the list is idle for the longest.
void OriginPool::sweep_slot(Slot& slot) {
  const Instant now = worker_.loop.now();
  while (!slot.idle.empty()) {
    OriginH1& connection = slot.idle.back();
    const Duration idle = now - connection.idle_since();
    if (idle >= definition().idle_timeout) {
      connection.close();
    } else if (worker_.workers > 1 && idle >= kLendAfter && definition().send_proxy_protocol == model::ProxyProtocol::kNone) {
      --slot.connections;
      stats_.connections.add(-1);
      state_->lend(slot.endpoint, connection.leave(), connection.requests_served(), now);
    } else {
      break;
    }
  }
}

void OriginPool::retire() {
  if (retired_) return;
  retired_ = true;
  worker_.loop.disarm(sweep_);
  for (OriginConnector* connector : connectors_) connector->abandon();
  connectors_.clear();
  const auto close_all = [](Slot& slot) {
    while (!slot.idle.empty()) slot.idle.front().close();
    const auto multiplexed = slot.multiplexed;
    for (OriginH2* connection : multiplexed) connection->close_when_done();
  };
  for (const auto& slot : slots_) close_all(*slot);
  for (const auto& slot : leaving_) close_all(*slot);
}

}  // namespace headgate::proxy
