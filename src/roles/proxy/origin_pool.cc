#include "roles/proxy/origin_pool.h"

#include <algorithm>

#include "roles/proxy/origin_connector.h"
#include "roles/proxy/origin_h2.h"
#include "wire/proxy_protocol/proxy_protocol.h"

namespace headgate::proxy {

namespace {
constexpr Duration kSweepEvery = 250ms;
// Idle for longer than this: another worker may need it more.
constexpr Duration kLendAfter = 500ms;
// Others wait for longer than this: an HTTP/2 connection in use makes room, too.
constexpr Duration kYieldAfter = 250ms;
}  // namespace

OriginPool::OriginPool(WorkerContext& worker, std::shared_ptr<UpstreamState> state,
                       std::shared_ptr<io::tls::ClientContext> tls)
    : worker_(worker),
      state_(std::move(state)),
      shared_(state_->connections()),
      member_(shared_.join(*this, worker.loop.mailbox())),
      tls_(std::move(tls)),
      stats_(worker.stats.upstream(definition().name)),
      settle_([](void* self) { static_cast<OriginPool*>(self)->settle(); }, this),
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
    const auto same = [&](const auto& s) { return s && s->endpoint == endpoint; };
    const auto old = std::find_if(slots_.begin(), slots_.end(), same);
    const auto left = std::find_if(leaving_.begin(), leaving_.end(), same);
    if (old != slots_.end()) {
      next.push_back(std::move(*old));
    } else if (left != leaving_.end()) {
      next.push_back(std::move(*left));
      leaving_.erase(left);
      next.back()->removed = false;
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
    const bool waits = slot->waiting_count > 0 || slot->wants > 0;
    if (slot->connections > 0 || slot->active > 0 || waits) leaving_.push_back(std::move(slot));
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
  // A connection that is free, or about to be given away, is for those who came before.
  const bool contended = slot.waiting_count > 0 || shared_.wanted();
  OriginH1* connection = contended ? nullptr : take_idle(slot, waiter);
  if (!connection) {
    if (stats_.pending_requests.value() >=
        static_cast<std::int64_t>(definition().limits.pending_max))
      return Acquired::kOverflow;
    if (!contended) connection = borrow(slot, waiter);
  }
  if (connection) {
    connection->attach(waiter.receiver);
    stream = connection;
    return Acquired::kReady;
  }
  enqueue(slot, waiter);
  if (contended) worker_.loop.defer(settle_);
  if (!slot.idle.empty()) return Acquired::kWaiting;  // it is decided then for whom that is
  if (provide(slot, waiter) || slot.connections > 0) return Acquired::kWaiting;
  forget(waiter);
  return Acquired::kOverflow;
}

void OriginPool::enqueue(Slot& slot, Waiter& waiter) {
  slot.waiting.push_back(waiter);
  waiter.slot_ = &slot;
  ++slot.waiting_count;
}

void OriginPool::forget(Waiter& waiter) {
  if (!waiter.linked()) return;
  waiter.unlink();
  Slot& slot = *std::exchange(waiter.slot_, nullptr);
  --slot.waiting_count;
  if (slot.wants > 0) worker_.loop.defer(settle_);
}

// One that another worker lends, if it is alive.
OriginH1* OriginPool::borrow(Slot& slot, const Waiter& waiter) {
  if (!shared_.may_borrow() || waiter.needs_fresh || !lends()) return nullptr;
  auto lent = shared_.borrow(*slot.endpoint, worker_.loop.now());
  if (!lent) return nullptr;
  OriginH1* connection = adopt(slot, std::move(*lent));
  if (!connection) shared_.leave_place();
  return connection;
}

// Null: it is not alive any more, and closed; its place is still there.
OriginH1* OriginPool::adopt(Slot& slot, Spare spare) {
  auto connection = std::make_unique<OriginH1>(worker_, *this, slot, std::move(spare.stream),
                                               spare.requests_served);
  if (!connection->alive_by_peek() || !connection->start_watching(false)) return nullptr;
  ++slot.connections;
  stats_.connections.add(1);
  stats_.borrowed_connections.add();
  return connection.release();  // owns itself from here: retires into the loop
}

OriginH1* OriginPool::take_idle(Slot& slot, const Waiter& waiter) {
  while (!slot.idle.empty()) {
    OriginH1& connection = slot.idle.front();
    if (!waiter.needs_fresh || connection.alive_by_peek()) return &connection;
    connection.close();
  }
  return nullptr;
}

bool OriginPool::find_place() {
  return shared_.take_place() || (close_an_idle_one() && shared_.take_place());
}

// On an HTTP/2 connection there is room for all who wait.
std::uint32_t OriginPool::attempts_needed(const Slot& slot) const {
  const bool multiplexing = definition().protocol == model::UpstreamProtocol::kHttp2;
  return multiplexing ? std::min(slot.waiting_count, 1U) : slot.waiting_count;
}

// Sees to it that everybody who waits has an attempt or a want, and nobody a want that it does not
// need any more. False: an attempt failed at once.
bool OriginPool::provide(Slot& slot, const Waiter& whose) {
  const std::uint32_t needed = attempts_needed(slot);
  while (slot.connecting + slot.wants < needed) {
    if (!shared_.wanted() && find_place()) {
      if (!connect(slot, whose)) return false;
      continue;
    }
    ++slot.wants;
    shared_.want({member_, slot.endpoint, worker_.loop.now()});
    arm_sweep();
  }
  while (slot.wants > 0 && slot.connecting + slot.wants > needed &&
         shared_.withdraw(*member_, *slot.endpoint))
    --slot.wants;
  return true;
}

// May call out, and end the slot.
void OriginPool::provide_or_fail(Slot& slot) {
  if (slot.waiting_count == 0 && slot.wants == 0) return;
  if (provide(slot, slot.waiting.front()) || slot.connections > 0) return;
  worker_.loop.defer(settle_);  // for those behind
  fail_front(slot, {OriginFailure::Kind::kConnect, false, false, "no connection could be begun"});
}

void OriginPool::fail_front(Slot& slot, const OriginFailure& failure) {
  if (slot.waiting.empty()) return;
  Waiter& waiter = slot.waiting.front();
  forget(waiter);
  waiter.receiver.on_origin_failed(failure);
}

// Makes room within the limit: an unused connection to one endpoint must not keep requests from another.
bool OriginPool::close_an_idle_one() {
  for (const auto& slot : slots_) {
    if (!slot->idle.empty()) {
      slot->idle.back().close();
      return true;
    }
    const auto unused = std::find_if(slot->multiplexed.begin(), slot->multiplexed.end(),
                                     [](OriginH2* c) { return c->unused(); });
    if (unused == slot->multiplexed.end()) continue;
    (*unused)->close_when_done();
    return true;
  }
  return false;
}

bool OriginPool::admit_connection(Slot& slot) {
  if (!shared_.take_place()) {
    stats_.overflows.add();
    return false;
  }
  ++slot.connections;
  stats_.connections.add(1);
  return true;
}

// Has a place. False: it failed at once, and the place is given up.
bool OriginPool::connect(Slot& slot, const Waiter& waiter) {
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
    shared_.leave_place();
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
    arm_sweep();
    return connection.release()->start();
  }
  auto connection = std::make_unique<OriginH1>(worker_, *this, slot, std::move(stream), 0);
  if (!connection->start_watching(true)) return closed(slot);
  ready(slot, *connection.release());
}

void OriginPool::connect_failed(OriginConnector& connector, const OriginFailure& failure) {
  Slot& slot = connector.slot();
  std::erase(connectors_, &connector);
  --slot.connecting;
  (failure.kind == OriginFailure::Kind::kTls ? stats_.tls_failures : stats_.connect_failures).add();
  closed(slot);
  fail_front(slot, failure);
}

// Who waits is served at the end of the turn: by then it is known that nothing came behind the
// response.
void OriginPool::give_back(OriginH1& connection) {
  Slot& slot = connection.slot();
  if (retired_ || (slot.removed && slot.waiting_count == 0)) return connection.close();
  slot.idle.push_front(connection);
  if (slot.waiting_count > 0 || shared_.wanted()) return worker_.loop.defer(settle_);
  arm_sweep();
}

// A connection that is new here.
void OriginPool::ready(Slot& slot, OriginH1& connection) {
  slot.idle.push_front(connection);
  if (serve_front(slot)) return;
  if (retired_ || slot.removed) return connection.close();
  if (shared_.wanted()) return worker_.loop.defer(settle_);
  arm_sweep();
}

// False: nobody waits, or there is no connection.
bool OriginPool::serve_front(Slot& slot) {
  if (slot.waiting.empty()) return false;
  Waiter& waiter = slot.waiting.front();
  OriginH1* connection = take_idle(slot, waiter);
  if (!connection) return false;
  forget(waiter);
  connection->attach(waiter.receiver);
  waiter.receiver.on_origin_ready(*connection);
  return true;
}

// Idle connections go to those who wait, here and elsewhere; the others get attempts or wants. What
// is called may change the slots.
void OriginPool::settle() {
  if (retired_) return;
  for (std::size_t i = 0; i < slots_.size(); ++i)
    while (i < slots_.size() && place_idle(*slots_[i])) {
    }
  for (std::size_t i = 0; i < leaving_.size(); ++i) {
    Slot& slot = *leaving_[i];
    while (!slot.idle.empty())
      if (!serve_front(slot) && !slot.idle.empty()) slot.idle.back().close();
  }
  give_unused_h2();
  for (std::size_t i = 0; i < slots_.size(); ++i) provide_or_fail(*slots_[i]);
  for (std::size_t i = 0; i < leaving_.size(); ++i) provide_or_fail(*leaving_[i]);
}

// False: what is idle here stays.
bool OriginPool::place_idle(Slot& slot) {
  if (slot.idle.empty()) return false;
  using By = SharedConnections::Claim::By;
  auto claim =
      shared_.wanted() ? shared_.claim(*member_, *slot.endpoint) : SharedConnections::Claim{};
  switch (claim.by) {
    case By::kNobody: break;
    case By::kItself: --slot.wants; break;
    case By::kOther: pass_on(slot, std::move(claim.want)); return true;
    case By::kOtherEndpoint: slot.idle.back().close(); return true;
  }
  if (serve_front(slot)) return true;
  arm_sweep();
  return claim.by == By::kItself;
}

void OriginPool::pass_on(Slot& slot, SharedConnections::Want want) {
  OriginH1& connection = slot.idle.front();
  --slot.connections;
  stats_.connections.add(-1);
  shared_.pass_on(std::move(want), {connection.leave(), connection.requests_served()});
}

void OriginPool::give_unused_h2() {
  for (const auto& slot : slots_) {
    const auto all = slot->multiplexed;
    for (OriginH2* connection : all)
      if (shared_.wanted() && connection->unused()) connection->close_when_done();
  }
}

Slot* OriginPool::find(const Endpoint& endpoint) const {
  const auto same = [&](const auto& slot) { return slot->endpoint.get() == &endpoint; };
  auto found = std::find_if(slots_.begin(), slots_.end(), same);
  if (found != slots_.end()) return found->get();
  found = std::find_if(leaving_.begin(), leaving_.end(), same);
  return found == leaving_.end() ? nullptr : found->get();
}

void OriginPool::take(const Endpoint& endpoint, Spare spare) {
  Slot* slot = find(endpoint);
  if (slot && slot->wants > 0) --slot->wants;
  if (slot && spare.connected()) {
    if (OriginH1* connection = adopt(*slot, std::move(spare))) return ready(*slot, *connection);
  }
  if (slot && slot->connecting < attempts_needed(*slot)) {
    if (!connect(*slot, slot->waiting.front())) worker_.loop.defer(settle_);
    return;
  }
  spare.stream.close();
  shared_.leave_place();
}

void OriginPool::give_idle() {
  settle();
  arm_sweep();  // HTTP/2 connections in use may have to yield
}

void OriginPool::h2_has_room(OriginH2& connection) {
  Slot& slot = connection.slot();
  while (!slot.waiting.empty() && connection.has_room()) {
    Waiter& waiter = slot.waiting.front();
    forget(waiter);
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
  shared_.leave_place();
  if (slot.waiting_count > 0 && !retired_) worker_.loop.defer(settle_);
}

void OriginPool::arm_sweep() {
  if (!sweep_.armed()) worker_.loop.arm(sweep_, kSweepEvery);
}

void OriginPool::sweep() {
  bool in_use = false, wants = false;
  for (const auto& slot : slots_) {
    sweep_slot(*slot);
    in_use = in_use || !slot->idle.empty() || !slot->multiplexed.empty();
    wants = wants || slot->wants > 0;
  }
  std::erase_if(leaving_, [](const auto& slot) {
    return slot->connections == 0 && slot->active == 0 && slot->wants == 0;
  });
  if (wants) shared_.retry();
  if (shared_.wanted()) yield_h2();
  if (in_use || wants || !leaving_.empty()) arm_sweep();
}

// One after the other: the requests of each have to end first.
void OriginPool::yield_h2() {
  if (!shared_.overdue(*member_, worker_.loop.now() - kYieldAfter)) return;
  OriginH2* chosen = nullptr;
  for (const auto& slot : slots_) {
    for (OriginH2* connection : slot->multiplexed) {
      if (connection->leaving()) return;
      chosen = connection;
    }
  }
  if (chosen) chosen->close_when_done();
}

// The back of the list is idle for the longest.
void OriginPool::sweep_slot(Slot& slot) {
  const Instant now = worker_.loop.now();
  while (!slot.idle.empty()) {
    OriginH1& connection = slot.idle.back();
    const Duration idle = now - connection.idle_since();
    if (idle >= definition().idle_timeout) {
      connection.close();
    } else if (worker_.workers > 1 && idle >= kLendAfter && lends()) {
      --slot.connections;
      stats_.connections.add(-1);
      shared_.lend(slot.endpoint, {connection.leave(), connection.requests_served()}, now);
    } else {
      break;
    }
  }
}

void OriginPool::retire() {
  if (retired_) return;
  retired_ = true;
  worker_.loop.disarm(sweep_);
  shared_.leave(member_);
  for (OriginConnector* connector : connectors_) {
    connector->abandon();
    stats_.connections.add(-1);
    shared_.leave_place();
  }
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
