#pragma once
// Request mirroring (Gateway API, RequestMirror): a copy of a request goes to another upstream and its response is thrown
// away. The client never waits for a copy: body bytes that its upstream does not take in time make the copy given up.
// Worker thread. A MirrorRequest outlives its exchange and belongs to the worker's MirrorStore.
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/arena.h"
#include "base/list.h"
#include "roles/proxy/origin_call.h"
#include "wire/http/message.h"

namespace headgate::proxy {

class MirrorFeed;
class MirrorStore;
struct MirrorTag;

inline constexpr std::size_t kMirrorBufferBytesMax = 262144;     // of a request body, per copy
inline constexpr std::size_t kMirrorResponseBytesMax = 1 << 20;  // read and dropped, so that the connection can be kept
inline constexpr std::size_t kMirrorsMax = 512;                  // copies under way, per worker
inline constexpr Duration kMirrorTimeout = 30s;

class MirrorRequest final : public OriginCall, public ListNode<MirrorTag> {
 public:
  MirrorRequest(WorkerContext& worker, MirrorStore& store) : OriginCall(worker), store_(store) {}
  ~MirrorRequest() override;

  // Copies `head`. The copy may be over when this returns.
  void begin(const Exchange& exchange, const wire::http::RequestHead& head, bool body_follows,
             std::shared_ptr<const WorkerSnapshot> world, std::uint32_t upstream, MirrorFeed& feed);
  void on_body(std::string_view bytes, bool end);
  void on_trailers(const wire::http::Fields& fields);
  // The exchange is over: without the whole body the copy is given up.
  void on_feed_gone();

 private:
  void call_ready(OriginStream& stream) override;
  void call_head(wire::http::ResponseHead&) override {}
  void call_body(std::string_view bytes) override;
  void call_ended(const OriginFailure* failure) override;
  void give_up();
  void retire();

  MirrorStore& store_;
  MirrorFeed* feed_ = nullptr;
  Arena arena_;
  wire::http::RequestHead head_;
  wire::http::Fields trailers_;
  std::string body_;  // until there is a connection
  std::size_t response_bytes_ = 0;
  bool body_done_ = false, over_ = false;
};

// The copies of one exchange that still want its body. Owned by the exchange.
class MirrorFeed {
 public:
  MirrorFeed() = default;
  MirrorFeed(const MirrorFeed&) = delete;
  MirrorFeed& operator=(const MirrorFeed&) = delete;
  ~MirrorFeed();
  void add(MirrorRequest& request) { requests_.push_back(&request); }
  void forget(const MirrorRequest& request) { std::erase(requests_, &request); }
  void on_body(std::string_view bytes, bool end);
  void on_trailers(const wire::http::Fields& fields);

 private:
  std::vector<MirrorRequest*> requests_;
};

// All copies under way of one worker. Those that ended are destroyed at the end of the turn.
class MirrorStore {
 public:
  explicit MirrorStore(WorkerContext& worker);
  ~MirrorStore();
  // nullptr: kMirrorsMax are under way.
  MirrorRequest* make();
  void retire(MirrorRequest& request);
  // Ends all, before the worker's pools go.
  void clear();

 private:
  WorkerContext& worker_;
  List<MirrorRequest, MirrorTag> live_;
  std::size_t live_count_ = 0;
  std::vector<std::unique_ptr<MirrorRequest>> ended_;
  io::Deferred sweep_;
};

}  // namespace headgate::proxy
