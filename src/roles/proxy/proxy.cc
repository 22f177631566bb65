#include "roles/proxy/proxy.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "io/clock.h"
#include "io/entropy.h"
#include "io/thread.h"
#include "roles/proxy/cache/object_cache.h"
#include "roles/proxy/client_addresses.h"
#include "roles/proxy/jwks_keeper.h"
#include "roles/proxy/prepared.h"
#include "roles/proxy/rate_limiter.h"
#include "roles/proxy/upstream_keeper.h"
#include "roles/proxy/worker.h"

namespace headgate::proxy {

namespace {
constexpr Duration kTicketKeyCheck = 60s;
constexpr Duration kDrainCheck = 50ms;
constexpr Duration kFreeCheck = 1s;

std::shared_ptr<io::tls::TicketKeys> make_ticket_keys(std::string_view secret) {
  auto shared = io::tls::TicketKeys::from_seed(secret, io::wall_now());
  return shared ? std::move(*shared) : std::make_shared<io::tls::TicketKeys>(io::wall_now());
}

// Looked up here, not on the worker's loop: there are as many as rules.
std::vector<RuleStats*> rule_stats_of(Worker& worker, const Prepared& prepared) {
  std::vector<RuleStats*> rules(prepared.snapshot->rules);
  for (const auto& [id, name] : prepared.rule_names) rules[id] = &worker.rule_stats(name);
  return rules;
}

}  // namespace

std::string port_key(const model::Port& port) {
  const bool datagram = port.protocol == model::PortProtocol::kUdp;
  return (datagram ? "udp " : "tcp ") + port.address + " " + std::to_string(port.port);
}

// Kept for as long as a configuration names its port: one listening socket that all workers share,
// or sockets of a UDP port until workers take them over.
struct Proxy::OpenPort {
  std::string key, address;
  std::uint16_t port = 0;
  bool datagram = false;
  std::vector<io::Fd> fds;
  bool announced = false;  // to the workers
};

Proxy::Proxy(io::Loop& loop, ListenSockets& sockets, ProxyOptions options)
    : loop_(loop),
      sockets_(sockets),
      options_(std::move(options)),
      ticket_keys_(make_ticket_keys(options_.ticket_secret)),
      limiter_(std::make_unique<RateLimiter>(io::random_u64())),
      client_addresses_(std::make_unique<ClientAddresses>(io::random_u64())),
      keeper_(std::make_unique<UpstreamKeeper>(
          loop, UpstreamKeeper::Options{options_.dns_servers, options_.locality})),
      jwks_(std::make_unique<JwksKeeper>(loop, io::random_u64())) {}

Proxy::~Proxy() {
  for (auto& worker : workers_) worker->stop();
  if (cache_closer_.joinable()) cache_closer_.join();
  if (cache_) cache_->close();
}

Status Proxy::start() {
  auto log = LogWriter::open(options_.access_log);
  if (!log) return std::unexpected(log.error());
  log_ = std::move(*log);
  auto cache = ObjectCache::open(options_.cache);
  if (!cache) return std::unexpected(cache.error());
  cache_ = std::move(*cache);
  for (std::uint32_t i = 0; i < options_.workers; ++i) {
    workers_.push_back(
        std::make_unique<Worker>(i, options_.workers, io::random_u64(), *log_, *client_addresses_, *cache_));
  }
  std::vector<Worker*> peers;
  for (auto& worker : workers_) peers.push_back(worker.get());
  for (auto& worker : workers_) {
    worker->start(peers, options_.pin_workers ? io::allowed_cpu(static_cast<int>(worker->index())) : -1);
  }
  loop_.arm(ticket_timer_, kTicketKeyCheck);
  return {};
}

void Proxy::rotate_ticket_keys() {
  ticket_keys_->rotate(loop_.wall());
  loop_.arm(ticket_timer_, kTicketKeyCheck);
}

Status Proxy::apply(std::shared_ptr<const model::Snapshot> snapshot) {
  auto prepared = prepare(std::move(snapshot));
  if (!prepared) return std::unexpected(prepared.error());
  if (auto opened = open_ports(**prepared); !opened) return opened;
  std::shared_ptr<const Prepared> next = std::move(*prepared);
  for (auto& worker : workers_)
    worker->post([w = worker.get(), next, rules = rule_stats_of(*worker, *next)]() mutable {
      w->adopt(std::move(next), std::move(rules));
    });
  announce_ports();
  close_removed_ports(*next);
  keeper_->retain(next->upstreams);
  if (current_) replaced_.push_back(std::move(current_));
  current_ = std::move(next);
  if (!replaced_timer_.armed()) loop_.arm(replaced_timer_, kFreeCheck);
  return {};
}

void Proxy::free_replaced() {
  std::erase_if(replaced_, [](const auto& one) { return one.use_count() == 1; });
  if (!replaced_.empty()) loop_.arm(replaced_timer_, kFreeCheck);
}

// A UDP port may have more sockets than there are workers, from a time when there were more of
// these: some read two. A client stays with its socket, so its flow stays with one worker.
void Proxy::announce_ports() {
  for (const auto& port : ports_) {
    if ((port->datagram && !receiving_) || std::exchange(port->announced, true)) continue;
    if (!port->datagram) {
      for (auto& worker : workers_)
        worker->post([w = worker.get(), key = port->key, fd = port->fds.front().get()] {
          w->listen(key, fd);
        });
      continue;
    }
    const std::size_t shares = port->fds.size();
    for (std::size_t i = 0; i < shares; ++i) {
      Worker* worker = workers_[i % workers_.size()].get();
      worker->post([worker, shares, key = port->key, fd = std::move(port->fds[i])]() mutable {
        worker->receive(key, std::move(fd), shares);
      });
    }
    port->fds.clear();
  }
}

Status Proxy::receive_datagrams() {
  if (std::exchange(receiving_, true)) return {};
  Status outcome;
  for (const auto& port : ports_) {
    if (!port->datagram) continue;
    if (auto opened = open_port(*port); !opened && outcome) outcome = std::move(opened);
  }
  announce_ports();
  return outcome;
}

Result<std::shared_ptr<Prepared>> Proxy::prepare(std::shared_ptr<const model::Snapshot> snapshot) {
  auto prepared = std::make_shared<Prepared>();
  prepared->snapshot = snapshot;
  prepared->limiter = limiter_.get();
  for (std::size_t i = 0; i < snapshot->ports.size(); ++i) {
    auto tls = make_server_tls(*prepared, i);
    if (!tls) return std::unexpected(tls.error());
    prepared->port_tls.push_back(std::move(*tls));
    if (auto indexed = index_rules(snapshot->ports[i], *prepared); !indexed) return std::unexpected(indexed.error());
  }
  prepared->before = find_before(*snapshot);
  for (std::size_t i = 0; i < snapshot->upstreams.size(); ++i) {
    auto tls = make_client_tls(*snapshot->upstreams[i], prepared->before[i]);
    if (!tls) return std::unexpected(tls.error());
    prepared->upstream_tls.push_back(std::move(*tls));
  }
  // Only now, since it starts checks and look-ups: nothing can fail any more.
  for (const auto& upstream : snapshot->upstreams) prepared->upstreams.push_back(keeper_->adopt(upstream));
  return prepared;
}

Result<std::shared_ptr<io::tls::ServerContext>> Proxy::make_server_tls(const Prepared& prepared, std::size_t index) const {
  const model::Port& port = prepared.snapshot->ports[index];
  const bool tls = port.protocol == model::PortProtocol::kHttps || port.protocol == model::PortProtocol::kTlsTerminate;
  if (!tls) return nullptr;
  io::tls::ServerConfig config;
  for (const model::Listener& listener : port.listeners) {
    io::tls::ServerListener entry;
    entry.name = listener.name;
    entry.hostname = listener.hostname;
    for (const model::Certificate& certificate : listener.tls.certificates) {
      entry.certificates.push_back({certificate.name, certificate.chain_pem, certificate.key_pem});
    }
    entry.policy = listener.tls.policy.tls12 ? io::tls::Policy::kPci : io::tls::Policy::kModern;
    entry.client = {listener.tls.client.ca_pem, listener.tls.client.required};
    entry.alpn = port.protocol != model::PortProtocol::kHttps ? io::tls::Alpn::kNone
                 : port.settings.http2                        ? io::tls::Alpn::kHttp2
                                                              : io::tls::Alpn::kHttp1;
    config.listeners.push_back(std::move(entry));
  }
  const io::tls::ServerContext* previous = nullptr;
  for (std::size_t i = 0; current_ && i < current_->snapshot->ports.size(); ++i)
    if (port_key(current_->snapshot->ports[i]) == port_key(port)) previous = current_->port_tls[i].get();
  return io::tls::ServerContext::make(config, ticket_keys_, io::wall_now(), previous);
}

std::vector<std::size_t> Proxy::find_before(const model::Snapshot& snapshot) const {
  std::unordered_map<std::string_view, std::size_t> by_name;
  for (std::size_t i = 0; current_ && i < current_->upstreams.size(); ++i)
    by_name.emplace(current_->snapshot->upstreams[i]->name, i);
  std::vector<std::size_t> before;
  for (const auto& upstream : snapshot.upstreams) {
    const auto found = by_name.find(upstream->name);
    before.push_back(found == by_name.end() ? Prepared::kNoneBefore : found->second);
  }
  return before;
}

// A definition that did not change keeps its context, and with it the sessions that it can resume.
Result<std::shared_ptr<io::tls::ClientContext>> Proxy::make_client_tls(const model::Upstream& upstream,
                                                                       std::size_t before) const {
  if (!upstream.tls.enabled) return nullptr;
  if (before != Prepared::kNoneBefore && current_->snapshot->upstreams[before]->fingerprint == upstream.fingerprint)
    return current_->upstream_tls[before];
  io::tls::ClientConfig config;
  config.name = "Upstream " + upstream.name;
  config.server_name = upstream.tls.server_name;
  config.subject_alt_names = upstream.tls.subject_alt_names;
  config.ca_pem = upstream.tls.ca_pem;
  config.chain_pem = upstream.tls.client_certificate_pem;
  config.key_pem = upstream.tls.client_key_pem;
  config.offer_h2 = upstream.tls.offer_h2;
  return io::tls::ClientContext::make(config);
}

Status Proxy::index_rules(const model::Port& port, Prepared& prepared) const {
  std::set<const model::Rule*> seen;
  Status outcome;
  const auto add_access = [&](const auto& policies) {
    for (const auto& policy : policies)
      if (auto added = prepared.access.add(policy, *jwks_); !added && outcome) outcome = std::move(added);
  };
  const auto add_rule = [&](const model::Rule& rule) {
    if (!seen.insert(&rule).second) return;
    prepared.rule_names.emplace_back(rule.id, rule.route + "/" + rule.name);
    for (const auto& limit : rule.rate_limits) {
      auto& table = prepared.rate_tables[limit.get()];
      if (!table) table = limiter_->table_of(*limit);
    }
    add_access(rule.access);
  };
  const auto add_paths = [&](const model::PathTable& paths) {
    for (const auto& [path, candidates] : paths.exact)
      for (const auto& candidate : candidates) add_rule(*candidate.rule);
    for (const auto& [path, candidates] : paths.prefix)
      for (const auto& candidate : candidates) add_rule(*candidate.rule);
    for (const auto& candidate : paths.regex) add_rule(*candidate.rule);
  };
  for (const model::Listener& listener : port.listeners) {
    for (const auto& [host, paths] : listener.routes.exact_hosts) add_paths(paths);
    for (const auto& [host, paths] : listener.routes.wildcard_hosts) add_paths(paths);
    add_paths(listener.routes.any_host);
  }
  for (const model::ForwardRule& rule : port.forwards) {
    prepared.rule_names.emplace_back(rule.id, rule.route);
    add_access(rule.access);
  }
  return outcome;
}

// All or nothing: sockets that were opened for a configuration that cannot be had are closed again.
Status Proxy::open_ports(const Prepared& prepared) {
  std::vector<std::unique_ptr<OpenPort>> opened;
  for (const model::Port& port : prepared.snapshot->ports) {
    const std::string key = port_key(port);
    const auto same = [&](const auto& p) { return p->key == key; };
    if (std::any_of(ports_.begin(), ports_.end(), same) || std::any_of(opened.begin(), opened.end(), same)) continue;
    const bool datagram = port.protocol == model::PortProtocol::kUdp;
    auto made = std::make_unique<OpenPort>(OpenPort{key, port.address, port.port, datagram, {}});
    if (auto status = open_port(*made); !status) {
      for (const auto& undo : opened) sockets_.release(undo->address, undo->port, undo->datagram);
      return status;
    }
    opened.push_back(std::move(made));
  }
  for (auto& port : opened) ports_.push_back(std::move(port));
  return {};
}

// A UDP port gets its further sockets when they will be read at once: a socket that waits for its
// reader would keep the datagrams of clients that a predecessor could still answer.
Status Proxy::open_port(OpenPort& port) {
  if (port.datagram) {
    auto fds = sockets_.open_datagram(port.address, port.port, receiving_ ? workers_.size() : 1);
    if (!fds) return std::unexpected(fds.error());
    port.fds = std::move(*fds);
    return {};
  }
  auto fd = sockets_.open(port.address, port.port);
  if (!fd) return std::unexpected(fd.error());
  port.fds.clear();
  port.fds.push_back(std::move(*fd));
  return {};
}

// The socket is closed after every worker has let go of it.
void Proxy::close_removed_ports(const Prepared& prepared) {
  for (auto it = ports_.begin(); it != ports_.end();) {
    const bool kept = std::any_of(prepared.snapshot->ports.begin(), prepared.snapshot->ports.end(),
                                  [&](const model::Port& port) { return port_key(port) == (*it)->key; });
    if (kept) {
      ++it;
      continue;
    }
    std::shared_ptr<OpenPort> leaving = std::move(*it);
    it = ports_.erase(it);
    for (auto& worker : workers_) worker->post([w = worker.get(), leaving] { w->unlisten(leaving->key); });
    sockets_.release(leaving->address, leaving->port, leaving->datagram);
  }
}

void Proxy::reopen_log() {
  if (log_) log_->reopen();
}

std::uint64_t Proxy::revision() const { return current_ ? current_->snapshot->revision : 0; }

bool Proxy::settled() const {
  if (!current_ || !keeper_->settled() || !jwks_->settled() || !cache_->is_settled()) return false;
  return std::all_of(workers_.begin(), workers_.end(), [&](const auto& w) { return w->adopted_revision() == revision(); });
}

void Proxy::drain(DrainFor what, io::Callback<> refusing, io::Callback<> done) {
  const bool last = what == DrainFor::kEnd;
  DrainPace pace;
  if (!last) pace = {options_.drain_max / 2, options_.drain_max - options_.drain_max / 8};
  if (std::exchange(draining_, true)) {
    if (!last) return;
    for (auto& worker : workers_) worker->post([w = worker.get(), pace] { w->drain(pace, true); });
    return;
  }
  // The successor waits for the disk; what is still open here goes on without it.
  cache_closer_ = std::thread([this] { cache_->close(); });
  refusing_ = std::move(refusing);
  drained_ = std::move(done);
  drain_deadline_ = loop_.now() + options_.drain_max;
  accepting_ = workers_.size();
  for (auto& worker : workers_) {
    worker->post([this, w = worker.get(), pace, last] {
      w->drain(pace, last);
      [[maybe_unused]] const bool told = loop_.mailbox().post([this] { worker_stopped_accepting(); });
    });
  }
  loop_.arm(drain_timer_, kDrainCheck);
}

// A socket that nobody accepts from must not stay open here until the last tunnel ends: when the
// successor gives its port up, clients would wait in its queue.
void Proxy::worker_stopped_accepting() {
  if (--accepting_ > 0) return;
  ports_.clear();
  refusing_();
}

void Proxy::check_drained() {
  std::int64_t open = static_cast<std::int64_t>(accepting_);
  for (auto& worker : workers_) {
    const WorkerStats& stats = worker->stats();
    open += worker->open_connections() + stats.exchanges.value() + stats.udp_flows_open.value();
  }
  const bool late = loop_.now() >= drain_deadline_;
  if (open > 0 && !late) return loop_.arm(drain_timer_, kDrainCheck);
  for (auto& worker : workers_) worker->stop();
  drained_();
}

std::vector<const WorkerStats*> Proxy::stats() const {
  std::vector<const WorkerStats*> all;
  for (const auto& worker : workers_) all.push_back(&worker->stats());
  return all;
}

}  // namespace headgate::proxy
