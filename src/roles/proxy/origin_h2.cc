#include "roles/proxy/origin_h2.h"

#include <algorithm>

#include "roles/proxy/h2_output.h"
#include "roles/proxy/origin_pool.h"
#include "roles/proxy/worker_context.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace http2 = wire::http2;

namespace {
using Kind = OriginFailure::Kind;
constexpr Duration kTick = 15s;
constexpr Duration kIdle = 60s;
constexpr Duration kSilence = 30s;
constexpr std::uint64_t kKeepalivePing = 0x6b656570'00000001;
}  // namespace

OriginH2::OriginH2(WorkerContext& worker, OriginPool& pool, Slot& slot, io::Stream stream)
    : worker_(worker),
      pool_(pool),
      slot_(slot),
      stream_(std::move(stream)),
      wire_(*this, http2::Limits{}),
      work_([](void* self) { static_cast<OriginH2*>(self)->work(); }, this),
      heard_at_(worker.loop.now()),
      idle_since_(worker.loop.now()) {}

OriginH2::~OriginH2() = default;

void OriginH2::start() {
  // The descriptor is in the loop already, for whoever made the connection.
  worker_.loop.modify(stream_.fd(), io::Loop::kBoth, *this);
  worker_.loop.arm(timer_, pool_.definition().connect_timeout);
  readable_ = true;  // TLS may hold bytes that no readiness will tell of
  wake();
  pool_.h2_has_room(*this);
}

void OriginH2::wake() { worker_.loop.defer(work_); }

bool OriginH2::has_room() const {
  if (closed_ || leaving_ || !wire_.can_open() || wire_.free_streams() <= unsent_) return false;
  const std::uint64_t most = pool_.definition().requests_per_connection_max;
  return most == 0 || opened_ < most;
}

OriginStream* OriginH2::open(OriginReceiver& receiver) {
  OriginH2Request& request =
      streams_.take([this] { return std::make_unique<OriginH2Request>(*this); });
  request.attach(receiver, opened_ > 0);
  ++opened_;
  ++unsent_;
  return &request;
}

void OriginH2::close_when_done() {
  leaving_ = true;
  if (streams_.count() > 0 || closed_) return;
  wire_.terminate(http2::ErrorCode::kNoError);
  if (!out_.blocked()) send_output(wire_, out_, stream_);
  close();
}

void OriginH2::request_done(OriginH2Request& request) {
  request.ListNode<UnsettledTag>::unlink();
  request.ListNode<TouchedTag>::unlink();
  streams_.end(request, request.id());
  room_changed_ = true;
  leaving_ = leaving_ || slot_.removed;
  idle_since_ = worker_.loop.now();
  wake();
}

void OriginH2::expect_settle(OriginH2Request& request) {
  unsettled_.push_back(request);
  wake();
}

void OriginH2::on_io(std::uint32_t events) {
  if (closed_) return;
  if (events & EPOLLOUT) writable_ = true;
  if (events & ~static_cast<std::uint32_t>(EPOLLOUT)) {
    readable_ = true;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) end_coming_ = true;
    read_all();
  }
  if (!closed_ && out_.blocked()) wake();
}

// Once at the end of a turn in which anything happened.
void OriginH2::work() {
  if (closed_) return;
  streams_.sweep();
  fail_unsendable();
  if (readable_) read_all();
  if (closed_) return;
  if (!out_.blocked() || std::exchange(writable_, false)) {
    if (!send_output(wire_, out_, stream_)) {
      read_all();  // an early answer may have come before the end
      return lose(Kind::kReset, "connection broke while sending");
    }
    settle();
  }
  if (closed_) return;
  if (wire_.is_over() && streams_.count() > 0)
    return lose(Kind::kProtocol, "the origin broke HTTP/2");
  if (wire_.goaway_seen() || wire_.is_over()) leaving_ = true;
  if (leaving_ && streams_.count() == 0 && (!wire_.wants_write() || wire_.is_over()))
    return close();
  if (std::exchange(room_changed_, false) && has_room()) pool_.h2_has_room(*this);
  if (unused() && pool_.others_want()) close_when_done();
}

void OriginH2::read_all() {
  while (!closed_) {
    const io::Transfer transfer = stream_.read(worker_.scratch.data(), worker_.scratch.size());
    if (transfer.state == io::Transfer::State::kWouldBlock) {
      readable_ = false;
      break;
    }
    if (transfer.state != io::Transfer::State::kDone) {
      readable_ = false;
      return lose(Kind::kReset, "connection closed before the end of the response");
    }
    const bool drained = stream_.drained() && !end_coming_;  // no edge tells of the end again
    if (drained) readable_ = false;
    feed({worker_.scratch.data(), transfer.bytes});
    if (drained) break;
  }
  tell_idle();
}

void OriginH2::feed(std::string_view bytes) {
  heard_at_ = worker_.loop.now();
  ping_open_ = false;
  wake();
  const Status fed = wire_.feed(bytes, heard_at_);
  if (!fed) lose(Kind::kProtocol, fed.error().message);
}

void OriginH2::tell_idle() {
  while (!touched_.empty()) {
    OriginH2Request& request = touched_.front();
    request.ListNode<TouchedTag>::unlink();
    request.tell_idle();
  }
}

void OriginH2::settle() {
  List<OriginH2Request, UnsettledTag> waiting;
  while (!unsettled_.empty()) {
    OriginH2Request& request = unsettled_.front();
    request.ListNode<UnsettledTag>::unlink();
    if (!request.settle()) waiting.push_back(request);
  }
  while (!waiting.empty()) unsettled_.push_back(waiting.front());
}

void OriginH2::fail_unsendable() {
  if (unsent_ == 0) return;
  for (std::size_t i = 0; i < streams_.size(); ++i) streams_[i].fail_if_unsendable();
}

void OriginH2::on_response(StreamId id, http::ResponseHead& head, std::string&, bool end_stream) {
  if (OriginH2Request* request = streams_.find(id)) request->on_response(head, end_stream);
}

void OriginH2::on_settings(const http2::PeerSettings&) {
  settings_seen_ = true;
  room_changed_ = true;
  for (std::size_t i = 0; i < streams_.size(); ++i)
    if (streams_[i].attached()) streams_[i].on_settings();
}

void OriginH2::on_body(StreamId id, std::string_view bytes, bool end_stream) {
  if (OriginH2Request* request = streams_.find(id)) return request->on_body(bytes, end_stream);
  wire_.consume(id, bytes.size());
}

void OriginH2::on_trailers(StreamId id, http::Fields& fields, std::string&) {
  if (OriginH2Request* request = streams_.find(id)) request->on_trailers(fields);
}

void OriginH2::on_reset(StreamId id, const http2::Reset& reset) {
  OriginH2Request* request = streams_.find(id);
  if (!request) return;
  request->fail(reset.broken        ? Kind::kProtocol
                : reset.unprocessed ? Kind::kRefused
                                    : Kind::kReset,
                reset.reason);
}

// A receiver that is still there has a tunnel, of which one direction had ended already.
void OriginH2::on_stream_closed(StreamId id) {
  if (OriginH2Request* request = streams_.find(id))
    request->fail(Kind::kReset, "the origin closed the tunnel");
  room_changed_ = true;
}

void OriginH2::on_goaway(StreamId, http2::ErrorCode) { leaving_ = true; }

void OriginH2::on_ping_ack(std::uint64_t) {}  // every byte counts as a sign of life

// The connection is of no use any more. The pool learns it before the receivers, which may ask for
// another one.
void OriginH2::lose(OriginFailure::Kind kind, std::string_view detail) {
  if (closed_) return;
  const std::string text(detail);
  close();
  for (std::size_t i = 0; i < streams_.size(); ++i) streams_[i].fail(kind, text);
}

void OriginH2::close() {
  closed_ = true;
  worker_.loop.disarm(timer_);
  stream_.close();
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(this));
  pool_.h2_gone(*this);
}

void OriginH2::on_timer() {
  const Instant now = worker_.loop.now();
  if (!settings_seen_) return lose(Kind::kProtocol, "the origin sent no HTTP/2 SETTINGS in time");
  worker_.loop.arm(timer_, kTick);
  if (streams_.count() > 0) return watch_silence(now - heard_at_);
  if (slot_.removed || now - idle_since_ >= kIdle) close_when_done();
}

void OriginH2::watch_silence(Duration silent) {
  if (silent < kSilence) return;
  if (ping_open_) return lose(Kind::kReset, "the origin did not answer a PING");
  ping_open_ = true;
  wire_.ping(kKeepalivePing);
  wake();
}

}  // namespace headgate::proxy
