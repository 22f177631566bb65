#pragma once
// One worker's connections to one upstream: idle ones, waiting requests, and who gets what. Worker
// thread. Requests wait for a connection in order of arrival; each waiting request has a connection
// attempt under way or, at the limit of the upstream, a want that other workers know of
// (shared_connections.h). A connection that becomes free first serves whoever waits longest, here
// or in another worker. One of HTTP/2 stays with its worker: when others want, it is closed as soon
// as it has no requests, and takes no new ones when they wait for long.
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/list.h"
#include "decide/health/concurrency.h"
#include "io/loop.h"
#include "io/tls/client_context.h"
#include "roles/proxy/balancer.h"
#include "roles/proxy/origin.h"
#include "roles/proxy/origin_connector.h"
#include "roles/proxy/origin_h1.h"
#include "roles/proxy/stats.h"
#include "roles/proxy/upstream_state.h"
#include "roles/proxy/worker_context.h"

namespace headgate::proxy {

class OriginH2;
class OriginPool;

struct Slot;
struct WaitTag;
// A request that wants a stream. OriginPool::forget() ends the waiting.
class Waiter : public ListNode<WaitTag> {
 public:
  explicit Waiter(OriginReceiver& who) : receiver(who) {}
  OriginReceiver& receiver;
  bool needs_fresh = false;        // no connection whose end might be on its way: a retry, a method that is not idempotent
  wire::ip::Endpoint client;       // for the PROXY protocol

 private:
  friend class OriginPool;
  Slot* slot_ = nullptr;  // while it waits
};

// One worker's view of one endpoint.
struct Slot {
  std::shared_ptr<Endpoint> endpoint;
  List<OriginH1, IdleTag> idle;                    // front is the most recently used
  std::vector<OriginH2*> multiplexed;
  List<Waiter, WaitTag> waiting;
  std::uint32_t waiting_count = 0;
  std::uint32_t wants = 0;  // filed and not met yet; those on their way included
  std::uint32_t connecting = 0;
  std::uint32_t connections = 0;                   // connecting ones included
  std::uint32_t active = 0;                        // requests of this worker
  std::uint32_t index = 0;                         // in the endpoint set
  bool removed = false;                            // no longer in it
};

class OriginPool final : public ConnectOwner, public SpareTaker {
 public:
  OriginPool(WorkerContext& worker, std::shared_ptr<UpstreamState> state, std::shared_ptr<io::tls::ClientContext> tls);
  ~OriginPool() override;

  const model::Upstream& definition() const { return state_->definition(); }
  UpstreamState& state() { return *state_; }
  UpstreamStats& stats() { return stats_; }

  // Adopts a new endpoint set or health if there is one; cheap when there is none.
  void refresh();
  const std::vector<std::unique_ptr<Slot>>& slots() const { return slots_; }
  Balancer& balancer() { return balancer_; }
  // Whether adaptive concurrency leaves room for one more request.
  bool admits() const;
  void observe(Duration latency, bool dropped);

  enum class Acquired : std::uint8_t { kReady, kWaiting, kOverflow };
  // kReady: `stream` is attached to the receiver. kWaiting: the receiver hears on_origin_ready or on_origin_failed.
  Acquired acquire(Slot& slot, Waiter& waiter, OriginStream*& stream);
  // The request hears nothing more.
  void forget(Waiter& waiter);

  // Counts a connection that somebody else makes and owns; closed() ends it. False: the upstream's limit says no.
  bool admit_connection(Slot& slot);
  io::tls::ClientContext* tls() const { return tls_.get(); }

  // From connections of this pool.
  void give_back(OriginH1& connection);
  void closed(Slot& slot);
  void connected(OriginConnector& connector, io::Stream stream, bool h2) override;
  void connect_failed(OriginConnector& connector, const OriginFailure& failure) override;
  // An HTTP/2 connection has room again, or is gone.
  void h2_has_room(OriginH2& connection);
  void h2_gone(OriginH2& connection);
  // Whether a request waits for a connection or a place, in any worker.
  bool others_want() const { return shared_.wanted(); }

  // From other workers, by mailbox.
  void take(const Endpoint& endpoint, Spare spare) override;
  void give_idle() override;

  // Closes idle connections; what is in use goes when it ends. For an upstream that left the configuration.
  void retire();

 private:
  bool lends() const { return definition().send_proxy_protocol == model::ProxyProtocol::kNone; }
  OriginH1* take_idle(Slot& slot, const Waiter& waiter);
  OriginH1* adopt(Slot& slot, Spare spare);
  OriginH1* borrow(Slot& slot, const Waiter& waiter);
  void enqueue(Slot& slot, Waiter& waiter);
  std::uint32_t attempts_needed(const Slot& slot) const;
  bool provide(Slot& slot, const Waiter& whose);
  void provide_or_fail(Slot& slot);
  bool find_place();
  bool close_an_idle_one();
  bool connect(Slot& slot, const Waiter& waiter);
  void fail_front(Slot& slot, const OriginFailure& failure);
  bool serve_front(Slot& slot);
  void ready(Slot& slot, OriginH1& connection);
  Slot* find(const Endpoint& endpoint) const;
  void settle();
  bool place_idle(Slot& slot);
  void pass_on(Slot& slot, SharedConnections::Want want);
  void give_unused_h2();
  void yield_h2();
  void sweep();
  void sweep_slot(Slot& slot);
  void arm_sweep();

  WorkerContext& worker_;
  std::shared_ptr<UpstreamState> state_;
  SharedConnections& shared_;
  std::shared_ptr<SharedConnections::Member> member_;
  std::shared_ptr<io::tls::ClientContext> tls_;
  UpstreamStats& stats_;
  std::uint64_t version_ = UINT64_MAX;
  std::vector<std::unique_ptr<Slot>> slots_;       // in the order of the endpoint set
  std::vector<std::unique_ptr<Slot>> leaving_;     // removed, still with connections
  std::vector<OriginConnector*> connectors_;
  io::MemberTimer<&OriginPool::sweep> sweep_{this};
  io::Deferred settle_;
  Balancer balancer_;
  decide::health::Concurrency concurrency_;
  bool retired_ = false;
};

}  // namespace headgate::proxy
