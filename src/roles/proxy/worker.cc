#include "roles/proxy/worker.h"

#include <algorithm>

#include "io/thread.h"
#include "roles/proxy/acceptor.h"
#include "roles/proxy/origin_pool.h"
#include "roles/proxy/udp_port.h"

namespace headgate::proxy {

namespace {
// Big enough for a 64 KB body with its head in one read, small enough for the second-level cache.
constexpr std::size_t kScratchBytes = 128 * 1024;
}  // namespace

Worker::Worker(std::uint32_t index, std::uint32_t workers, std::uint64_t seed, LogWriter& log,
               ClientAddresses& addresses, ObjectCache& cache)
    : index_(index),
      prng_(seed),
      scratch_(kScratchBytes),
      cache_(cache, loop_),
      context_{loop_,    stats_,    prng_,     scratch_, access_log_, exchanges_,
               mirrors_, encoders_, addresses, cache_,   workers,     false},
      access_log_(context_, log),
      exchanges_(context_),
      mirrors_(context_),
      sessions_(context_) {}

Worker::~Worker() { stop(); }

void Worker::start(const std::vector<Worker*>& peers, int cpu) {
  peers_ = peers;
  thread_ = std::thread([this, cpu] { run(cpu); });
}

void Worker::stop() {
  if (!thread_.joinable()) return;
  loop_.stop();
  thread_.join();
}

void Worker::run(int cpu) {
  io::name_thread("worker-" + std::to_string(index_));
  if (cpu >= 0) io::pin_thread(cpu);
  loop_.measure(stats_.loop_busy_us);
  loop_.run();
  acceptors_.clear();
  udp_ports_.clear();
  sessions_.kill_all();
  mirrors_.clear();
  exchanges_.end_all();
  access_log_.flush();
  for (auto& [key, view] : views_) view->world.reset();
  loop_.turn(Duration::zero());
  world_.reset();
  loop_.turn(Duration::zero());
}

PortView& Worker::view(const std::string& key) {
  auto& slot = views_[key];
  if (!slot) slot = std::make_unique<PortView>();
  return *slot;
}

// An upstream whose definition did not change has the same state, and keeps its pool.
std::shared_ptr<OriginPool> Worker::pool_of(const Prepared& prepared, std::size_t upstream) {
  const std::size_t before = prepared.before[upstream];
  const auto& state = prepared.upstreams[upstream];
  if (world_ && before < world_->pools.size() && &world_->pools[before]->state() == state.get())
    return world_->pools[before];
  return std::make_shared<OriginPool>(context_, state, prepared.upstream_tls[upstream]);
}

void Worker::adopt(std::shared_ptr<const Prepared> prepared, std::vector<RuleStats*> rules) {
  auto next = std::make_shared<WorkerSnapshot>();
  next->prepared = prepared;
  next->pools.reserve(prepared->upstreams.size());
  for (std::size_t i = 0; i < prepared->upstreams.size(); ++i)
    next->pools.push_back(pool_of(*prepared, i));
  next->rules = std::move(rules);
  for (auto& [key, view] : views_) *view = {};
  for (std::size_t i = 0; i < prepared->snapshot->ports.size(); ++i) {
    const model::Port& port = prepared->snapshot->ports[i];
    view(port_key(port)) = {next, &port, prepared->port_tls[i].get()};
  }
  world_ = std::move(next);
  for (auto& [key, view] : views_)
    if (!view->port) sessions_.drain(view.get());
  adopted_revision_.store(prepared->snapshot->revision, std::memory_order_release);
}

void Worker::listen(const std::string& key, int fd) {
  acceptors_[key] = std::make_unique<Acceptor>(*this, key, fd);
}

void Worker::receive(const std::string& key, io::Fd fd, std::size_t shares) {
  udp_ports_.emplace(key, std::make_unique<UdpPort>(context_, view(key), std::move(fd), shares));
}

// Called from between events: one of the same turn may still point at what is taken out.
template <typename Ports>
void Worker::leave_port(Ports& ports, const std::string& key) {
  for (auto found = ports.find(key); found != ports.end(); found = ports.find(key)) {
    found->second->stop();
    loop_.retire(std::move(found->second));
    ports.erase(found);
  }
}

void Worker::unlisten(const std::string& key) {
  leave_port(acceptors_, key);
  leave_port(udp_ports_, key);
}

bool Worker::hand_over(const std::string& key, io::Fd& fd, const wire::ip::Endpoint& peer) {
  if (peers_.size() < 2 || context_.draining) return false;
  const std::int64_t mine = open_connections();
  Worker* least = *std::min_element(peers_.begin(), peers_.end(),
                                    [](Worker* a, Worker* b) { return a->open_connections() < b->open_connections(); });
  if (least == this || mine - least->open_connections() <= std::max<std::int64_t>(2, mine / 16)) return false;
  const int raw = fd.get();
  least->arriving_.fetch_add(1, std::memory_order_relaxed);
  if (!least->loop_.mailbox().post([least, key, raw, peer] { least->take_over(key, raw, peer); })) {
    least->arriving_.fetch_sub(1, std::memory_order_relaxed);
    return false;
  }
  fd.release();
  stats_.connections_handed_over.add();
  return true;
}

void Worker::take_over(const std::string& key, int fd, const wire::ip::Endpoint& peer) {
  sessions_.accept(view(key), io::Fd(fd), peer);
  arriving_.fetch_sub(1, std::memory_order_release);
}

void Worker::drain(DrainPace pace, bool last) {
  context_.draining = true;
  context_.drain_pace = pace;
  for (const auto& [key, acceptor] : acceptors_)
    if (last) acceptor->accept_waiting();
  while (!acceptors_.empty()) leave_port(acceptors_, std::string(acceptors_.begin()->first));
  for (const auto& [key, port] : udp_ports_) port->drain(last);
  sessions_.drain(nullptr);
}

void Worker::kill_all() { sessions_.kill_all(); }

}  // namespace headgate::proxy
