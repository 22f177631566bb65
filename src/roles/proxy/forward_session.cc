#include "roles/proxy/forward_session.h"

#include <algorithm>

#include "decide/route/match.h"
#include "roles/proxy/access_log.h"
#include "wire/proxy_protocol/proxy_protocol.h"

namespace headgate::proxy {

namespace {

constexpr std::uint32_t kConnectAttemptsMax = 3;
constexpr std::uint32_t kEndEvents = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
// A TLS record with the fatal alert unrecognized_name (RFC 6066 §3, RFC 8446 §6).
constexpr std::string_view kUnrecognizedName("\x15\x03\x03\x00\x02\x02\x70", 7);

}  // namespace

void Sessions::start_forward(ConnectionFacts facts, io::Stream stream, std::string_view received,
                             std::string_view server_name) {
  auto session = std::make_unique<ForwardSession>(worker_, *this, std::move(facts), std::move(stream));
  session.release()->start(received, server_name);  // owns itself: retires into the loop
}

ForwardSession::ForwardSession(WorkerContext& worker, Sessions& sessions, ConnectionFacts facts, io::Stream stream)
    : Session(sessions), worker_(worker), facts_(std::move(facts)), client_(std::move(stream)),
      up_(worker), down_(worker), started_(worker.loop.now()),
      pump_later_([](void* self) { static_cast<ForwardSession*>(self)->pump(); }, this) {
  sessions_.opened(*this);
}

ForwardSession::~ForwardSession() = default;

void ForwardSession::start(std::string_view received, std::string_view server_name) {
  server_name_ = server_name;
  if (facts_.local.port == 0) facts_.local = io::local_endpoint(client_.fd());
  up_.queue(received);
  up_.count_queued(received.size());
  if (!facts_.port->port) return end_with_reset("port_removed", Source::kSelf);
  if (!worker_.loop.add(client_.fd(), io::Loop::kBoth, *this)) return end_with_reset("out_of_memory", Source::kSelf);
  choose(server_name);
}

void ForwardSession::choose(std::string_view server_name) {
  const model::Port& port = *facts_.port->port;
  const WorkerSnapshot& world = *facts_.port->world;
  const model::ForwardRule* rule = nullptr;
  if (port.protocol != model::PortProtocol::kTcp) rule = decide::route::match_sni(port, server_name);
  else if (!port.forwards.empty()) rule = &port.forwards.front();
  if (!rule) return refuse_unknown_name();
  route_ = route_of(world, *rule);
  up_.limit(route_.traffic->buffer_bytes_max);
  down_.limit(route_.traffic->buffer_bytes_max);
  if (!admits(world, *rule, facts_.peer.address)) {
    if (route_.stats) route_.stats->denied.add();
    return end_with_reset("denied", Source::kClient);
  }
  pool_ = pick_pool(world, *rule, worker_.prng);
  if (!pool_) return end_with_reset("no_backend", Source::kSelf);
  if (route_.traffic->timeouts.tunnel_max > Duration::zero()) worker_.loop.arm(age_, route_.traffic->timeouts.tunnel_max);
  connect();
}

std::uint32_t ForwardSession::attempts_max() const {
  const model::RetryPolicy& retry = route_.traffic->retry;
  return retry.on_connect_failure ? std::min(kConnectAttemptsMax, retry.attempts_max + 1) : 1;
}

// Tries endpoints until one connection is under way, or there are no more tries.
void ForwardSession::connect() {
  while (tried_.size() < attempts_max()) {
    Slot* slot = pick_endpoint(*pool_, facts_.peer_text, tried_, worker_.loop.now(), worker_.prng);
    if (!slot) return end_with_reset("no_endpoint", Source::kOrigin);
    if (std::find(tried_.begin(), tried_.end(), slot->endpoint) != tried_.end()) break;
    if (!pool_->admit_connection(*slot)) return end_with_reset("upstream_overflow", Source::kOrigin);
    tried_.push_back(slot->endpoint);
    use_ = EndpointUse(pool_, *slot);
    connection_counted_ = true;
    if (connect_to(*slot)) return;
    pool_->stats().connect_failures.add();
    last_failure_ = "connect failed at once";
    use_.report(true, worker_.loop.now());
    release_origin();
  }
  end_with_reset("upstream_connect", Source::kOrigin, last_failure_);
}

bool ForwardSession::connect_to(Slot& slot) {
  auto connector = std::make_unique<OriginConnector>(worker_, *this, pool_->definition(), slot, pool_->tls(), false);
  pool_->stats().connects.add();
  if (!connector->start(proxy_header())) return false;
  connector_ = connector.release();  // owns itself: retires into the loop
  return true;
}

std::string ForwardSession::proxy_header() const {
  namespace pp = wire::proxy_protocol;
  std::string header;
  switch (pool_->definition().send_proxy_protocol) {
    case model::ProxyProtocol::kNone: break;
    case model::ProxyProtocol::kV1: pp::append_v1(header, facts_.peer, facts_.local); break;
    case model::ProxyProtocol::kV2: pp::append_v2(header, facts_.peer, facts_.local); break;
  }
  return header;
}

void ForwardSession::connect_failed(OriginConnector&, const OriginFailure& failure) {
  connector_ = nullptr;
  const bool tls = failure.kind == OriginFailure::Kind::kTls;
  (tls ? pool_->stats().tls_failures : pool_->stats().connect_failures).add();
  last_failure_ = failure.detail;
  use_.report(true, worker_.loop.now());
  release_origin();
  if (tls) return end_with_reset("upstream_tls", Source::kOrigin, last_failure_);
  connect();
}

void ForwardSession::connected(OriginConnector&, io::Stream stream, bool) {
  connector_ = nullptr;
  origin_ = std::move(stream);
  use_.report(false, worker_.loop.now());
  worker_.loop.modify(origin_.fd(), io::Loop::kBoth, origin_side_);
  phase_ = Phase::kOpen;
  worker_.stats.tunnels.add();
  worker_.stats.tunnels_open.add(1);
  if (route_.traffic->timeouts.tunnel_idle > Duration::zero()) worker_.loop.arm(idle_, route_.traffic->timeouts.tunnel_idle);
  up_.readable(false);    // TLS may hold bytes that no event will announce
  down_.readable(false);
  worker_.loop.defer(pump_later_);
}

void ForwardSession::on_io(std::uint32_t events) {
  if (phase_ == Phase::kClosed) return;
  if (events & ~static_cast<std::uint32_t>(EPOLLOUT)) up_.readable((events & kEndEvents) != 0);
  if (phase_ == Phase::kOpen) pump();
  if (phase_ != Phase::kClosed && (events & EPOLLERR)) end_with_reset("client_reset", Source::kClient);
}

void ForwardSession::on_origin_io(std::uint32_t events) {
  if (phase_ != Phase::kOpen) return;
  if (events & ~static_cast<std::uint32_t>(EPOLLOUT)) down_.readable((events & kEndEvents) != 0);
  pump();
  if (phase_ == Phase::kClosed || !(events & EPOLLERR)) return;
  pool_->stats().resets.add();
  end_with_reset("upstream_reset", Source::kOrigin);
}

void ForwardSession::pump() {
  if (phase_ != Phase::kOpen) return;
  if (!pump_one(up_, client_, origin_, origin_side_, true)) return;
  if (!pump_one(down_, origin_, client_, *this, false)) return;
  count_moved();
  if (up_.ended() && down_.ended()) end(nullptr, Source::kSelf);
}

bool ForwardSession::pump_one(TunnelDirection& direction, io::Stream& from, io::Stream& to, io::EventHandler& to_handler,
                              bool from_client) {
  using State = TunnelDirection::State;
  const State state = direction.pump(from, to);
  // The receiver took all so far: it is writable, and asking for its events anew brings one with the next turn.
  if (state == State::kMore) worker_.loop.modify(to.fd(), io::Loop::kBoth, to_handler);
  if (state != State::kFromBroken && state != State::kToBroken) return true;
  const bool client_broke = (state == State::kFromBroken) == from_client;
  if (!client_broke) pool_->stats().resets.add();
  end_with_reset(client_broke ? "client_reset" : "upstream_reset", client_broke ? Source::kClient : Source::kOrigin);
  return false;
}

// Live, so that a long transfer is seen while it runs.
void ForwardSession::count_moved() {
  const std::uint64_t up = up_.bytes() - counted_up_, down = down_.bytes() - counted_down_;
  if (up == 0 && down == 0) return;
  counted_up_ += up;
  counted_down_ += down;
  if (route_.stats) {
    route_.stats->request_bytes.add(up);
    route_.stats->response_bytes.add(down);
  }
  if (phase_ == Phase::kOpen && idle_.armed()) worker_.loop.arm(idle_, route_.traffic->timeouts.tunnel_idle);
}

void ForwardSession::on_idle() {
  worker_.stats.timeouts_idle.add();
  end_with_reset("idle_timeout", Source::kSelf);
}

void ForwardSession::on_too_old() { end_with_reset("tunnel_max", Source::kSelf); }

// A ClientHello was only looked at: it is taken from the socket first, or closing would reset the connection and take the
// alert with it.
void ForwardSession::refuse_unknown_name() {
  worker_.stats.no_route.add();
  if (client_.is_tls() || facts_.port->port->protocol == model::PortProtocol::kTcp) {
    return end_with_reset("no_route", Source::kClient);
  }
  client_.read(worker_.scratch.data(), worker_.scratch.size());
  client_.write(kUnrecognizedName);
  client_.shutdown();
  end("no_route", Source::kClient);
}

void ForwardSession::end_with_reset(const char* reason, Source fault, std::string_view detail) {
  if (phase_ == Phase::kClosed) return;
  io::set_reset_on_close(client_.fd());
  if (origin_.valid()) io::set_reset_on_close(origin_.fd());
  end(reason, fault, detail);
}

void ForwardSession::end(const char* reason, Source fault, std::string_view detail) {
  if (phase_ == Phase::kClosed) return;
  if (phase_ == Phase::kOpen) worker_.stats.tunnels_open.add(-1);
  phase_ = Phase::kClosed;
  count_moved();
  log(reason, fault, detail);
  if (connector_) std::exchange(connector_, nullptr)->abandon();
  origin_.close();
  release_origin();  // after the close: its place may be taken at once
  worker_.loop.disarm(idle_);
  worker_.loop.disarm(age_);
  pump_later_.unlink();
  pool_.reset();
  client_.close();
  sessions_.closed(*this, facts_);
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(this));
}

// Ends what is counted for the endpoint. The slot may go with its last connection.
void ForwardSession::release_origin() {
  if (!connection_counted_) return;
  connection_counted_ = false;
  Slot& slot = use_.slot();
  use_.reset();
  pool_->closed(slot);
}

void ForwardSession::log(const char* reason, Source fault, std::string_view detail) {
  ForwardRecord record;
  record.client = facts_.peer_text;
  record.protocol = server_name_.empty() && !facts_.tls ? "tcp" : "tls";
  record.tls_version = facts_.tls_version;
  record.client_certificate = facts_.client_subject;
  record.server_name = server_name_;
  record.route = route_.name;
  if (pool_) record.upstream = pool_->definition().name;
  if (!tried_.empty()) record.endpoint = tried_.back()->name;
  record.received_bytes = up_.bytes();
  record.sent_bytes = down_.bytes();
  record.connect_attempts = static_cast<std::uint32_t>(tried_.size());
  record.started = started_;
  record.reason = reason;
  record.fault = fault;
  record.detail = detail;
  worker_.access_log.record_forward(record, route_.traffic ? &route_.traffic->access_log : nullptr, route_.stats);
}

}  // namespace headgate::proxy
