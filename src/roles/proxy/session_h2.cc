#include "roles/proxy/session_h2.h"

#include <algorithm>

#include "roles/proxy/exchange.h"
#include "roles/proxy/h2_output.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace http2 = wire::http2;

namespace {

constexpr std::uint64_t kPrefaceBytes = 24 + 9;  // with the frame head of the first SETTINGS
constexpr std::uint64_t kLingerBytesMax = 256 * 1024;
constexpr Duration kLingerTime = 2s;
constexpr Duration kLastOutputTime = 10s;  // for a client to read what a connection ends with
constexpr Duration kDrainPingTime = 5s;    // for a client that does not answer the PING of a drain

http2::Limits limits_of(const model::PortSettings& settings) {
  http2::Limits limits;
  limits.concurrent_streams_max = std::max(settings.http2_streams_max, 1U);
  limits.header_bytes_max = std::max(settings.head_bytes_max, 1024U);
  limits.header_kill_bytes = std::max(4 * limits.header_bytes_max, limits.header_kill_bytes);
  limits.header_fields_max = std::max(settings.fields_max, 8U);
  const auto frame = static_cast<std::uint32_t>(http2::kFrameBytesMax);
  limits.continuations_max =
      std::max(limits.continuations_max, limits.header_bytes_max / frame + 1);
  return limits;
}

const model::PortSettings& settings_of(const ConnectionFacts& facts) {
  static const model::PortSettings kDefaults;
  return facts.port->port ? facts.port->port->settings : kDefaults;
}

}  // namespace

SessionH2::SessionH2(WorkerContext& worker, Sessions& sessions, ConnectionFacts facts,
                     io::Stream stream)
    : Session(sessions),
      worker_(worker),
      facts_(std::move(facts)),
      stream_(std::move(stream)),
      limits_(limits_of(settings_of(facts_))),
      wire_(*this, limits_),
      work_([](void* self) { static_cast<SessionH2*>(self)->work(); }, this) {
  sessions_.opened(*this);
}

SessionH2::~SessionH2() = default;

const model::PortSettings& SessionH2::settings() const { return settings_of(facts_); }

http::Fields& SessionH2::scratch_fields() {
  scratch_fields_.clear();
  return scratch_fields_;
}

bool SessionH2::is_window_held() const { return wire_.held_bytes() >= limits_.held_bytes_max; }

void SessionH2::start(std::string_view received) {
  if (!worker_.loop.add(stream_.fd(), io::Loop::kBoth, *this)) return close();
  worker_.loop.arm(timer_, settings().head_timeout);
  early_.assign(received);
  readable_ = stream_.is_tls();  // it may hold bytes that no readiness tells of
  if (worker_.draining) drain();
  wake();
}

void SessionH2::on_io(std::uint32_t events) {
  if (phase_ == Phase::kClosed) return;
  if (events & (EPOLLHUP | EPOLLERR)) {
    drop_streams();
    return close();
  }
  if (events & EPOLLOUT) writable_ = true;
  if (events & ~static_cast<std::uint32_t>(EPOLLOUT)) readable_ = true;
  if (events & EPOLLRDHUP) end_coming_ = true;
  if (out_.blocked() && writable_) return wake();
  if (readable_ && wants_bytes()) read_all();
}

// Once at the end of a turn in which anything happened.
void SessionH2::work() {
  if (phase_ == Phase::kClosed) return;
  streams_.sweep();
  if (!early_.empty()) {
    const std::string early = std::move(early_);
    early_.clear();
    feed(early);
  }
  if (phase_ == Phase::kOpen) send();
  if (phase_ != Phase::kClosed && readable_ && wants_bytes()) read_all();
}

void SessionH2::read_all() {
  while (phase_ != Phase::kClosed && wants_bytes()) {
    const io::Transfer transfer = stream_.read(worker_.scratch.data(), worker_.scratch.size());
    if (transfer.state == io::Transfer::State::kWouldBlock) {
      readable_ = false;
      return;
    }
    if (transfer.state != io::Transfer::State::kDone) {
      readable_ = false;
      drop_streams();
      return close();
    }
    const bool drained = stream_.drained() && !end_coming_;  // no edge tells of the end again
    if (drained) readable_ = false;
    if (phase_ == Phase::kLinger)
      linger_over(transfer.bytes);
    else
      feed({worker_.scratch.data(), transfer.bytes});
    if (drained) return;
  }
}

void SessionH2::feed(std::string_view bytes) {
  wake();
  if (over_) return;
  received_ += bytes.size();
  const Status fed = wire_.feed(bytes, worker_.loop.now());
  if (!fed) return conclude();
  time_input();
  if (greeted_ || received_ < kPrefaceBytes) return;
  greeted_ = true;
  if (streams_.count() == 0) worker_.loop.arm(timer_, settings().idle_timeout);
}

// From the first byte of a head, or of a frame, to its last, however it drips.
void SessionH2::time_input() {
  const std::uint64_t unfinished = wire_.unfinished_input();
  if (unfinished == timed_input_) return;
  timed_input_ = unfinished;
  if (unfinished == 0) return worker_.loop.disarm(input_timer_);
  worker_.loop.arm(input_timer_, settings().head_timeout);
}

void SessionH2::on_input_timer() {
  if (over_ || timed_input_ == 0) return;
  // While we do not read, the rest may be waiting for us.
  if (!wants_bytes()) return worker_.loop.arm(input_timer_, settings().head_timeout);
  worker_.stats.timeouts_head.add();
  wire_.terminate(http2::ErrorCode::kEnhanceYourCalm);
  conclude();
}

void SessionH2::send() {
  if (out_.blocked() && !writable_) return;
  writable_ = false;
  if (!send_output(wire_, out_, stream_)) {
    drop_streams();
    return close();
  }
  if (wire_.is_over()) conclude();
  settle();
  if (out_.blocked()) return;
  if (over_ && !wire_.wants_write()) return begin_linger();
  // Responses whose exchanges ended still go out: progress is not idleness.
  if (!over_ && streams_.count() == 0 && wire_.open_streams() > 0)
    worker_.loop.arm(timer_, settings().idle_timeout);
}

void SessionH2::expect_settle(StreamH2& stream) {
  unsettled_.push_back(stream);
  wake();
}

void SessionH2::settle() {
  List<StreamH2, UnsentTag> waiting;
  while (!unsettled_.empty()) {
    StreamH2& stream = unsettled_.front();
    stream.unlink();
    if (!stream.settle()) waiting.push_back(stream);
  }
  while (!waiting.empty()) unsettled_.push_back(waiting.front());
}

StreamH2& SessionH2::take_stream(StreamId id, Exchange& exchange, bool end_stream) {
  if (streams_.count() == 0) worker_.loop.disarm(timer_);
  if (!reader_timer_.armed()) worker_.loop.arm(reader_timer_, settings().response_grace);
  StreamH2& stream = streams_.take([this] { return std::make_unique<StreamH2>(*this); });
  streams_.bind(stream, id);
  stream.begin(id, exchange, end_stream);
  return stream;
}

void SessionH2::on_request(StreamId id, http::RequestHead& head, std::string& storage,
                           bool end_stream) {
  Exchange& exchange = worker_.exchanges.take();
  std::swap(exchange.head(), head);
  exchange.head_text().swap(storage);
  // What the client says about the transport is not believed.
  if (!exchange.head().scheme.empty()) exchange.head().scheme = facts_.tls ? "https" : "http";
  StreamH2& stream = take_stream(id, exchange, end_stream);
  ++requests_;
  const std::uint64_t most = settings().requests_per_connection_max;
  if (most != 0 && requests_ >= most) drain();
  if (exchange.head().target.size() > settings().target_bytes_max)
    return exchange.start_refused(facts_, stream, 414, "bad_request", "target too long");
  exchange.start(facts_, stream);
}

void SessionH2::on_bad_request(StreamId id, const http2::BadRequest& bad) {
  Exchange& exchange = worker_.exchanges.take();
  exchange.head() = *bad.head;  // views live until this returns, and the answer is complete then
  exchange.head().framing = {};
  StreamH2& stream = take_stream(id, exchange, true);
  exchange.start_refused(facts_, stream, bad.status, "bad_request", bad.reason);
}

void SessionH2::on_body(StreamId id, std::string_view bytes, bool end_stream) {
  if (StreamH2* stream = streams_.find(id)) return stream->on_body(bytes, end_stream);
  wire_.consume(id, bytes.size());
}

void SessionH2::on_trailers(StreamId id, http::Fields& fields, std::string&) {
  if (StreamH2* stream = streams_.find(id)) stream->on_trailers(fields);
}

void SessionH2::on_reset(StreamId id, const http2::Reset& reset) {
  if (StreamH2* stream = streams_.find(id)) stream->on_reset(reset);
}

void SessionH2::on_ping_ack(std::uint64_t opaque) {
  if (opaque == http2::ServerSession::kDrainPing) finish_drain();
}

void SessionH2::on_flood(http2::Flood) { worker_.stats.floods.add(); }

void SessionH2::stream_done(StreamH2& stream, StreamId id) {
  stream.unlink();
  wire_.release(id);
  streams_.end(stream, id);
  wake();
  if (streams_.count() == 0 && !over_) worker_.loop.arm(timer_, settings().idle_timeout);
}

void SessionH2::drain() {
  if (draining_ || over_ || phase_ != Phase::kOpen) return;
  draining_ = true;
  wire_.begin_drain();
  worker_.loop.arm(drain_timer_, kDrainPingTime);
  wake();
}

void SessionH2::finish_drain() {
  if (!draining_ || drained_ || phase_ != Phase::kOpen) return;
  drained_ = true;
  worker_.loop.disarm(drain_timer_);
  wire_.finish_drain();
  wake();
}

void SessionH2::kill() {
  if (phase_ == Phase::kClosed) return;
  drop_streams();
  close();
}

void SessionH2::drop_streams() {
  for (std::size_t i = 0; i < streams_.size(); ++i) streams_[i].on_connection_gone();
}

void SessionH2::on_timer() {
  if (phase_ == Phase::kLinger || over_) return close();
  if (streams_.count() > 0) return;
  (greeted_ ? worker_.stats.timeouts_idle : worker_.stats.timeouts_head).add();
  if (!greeted_ || wire_.open_streams() > 0) return close();
  wire_.terminate(http2::ErrorCode::kNoError);
  conclude();
}

// Only output is left.
void SessionH2::conclude() {
  if (over_) return;
  over_ = true;
  worker_.loop.disarm(input_timer_);
  drop_streams();
  worker_.loop.arm(timer_, kLastOutputTime);
  wake();
}

// Says that nothing more comes, then reads and drops for a short while: a close with unread input
// would send RST, and the client would lose the last frames.
void SessionH2::begin_linger() {
  drop_streams();
  phase_ = Phase::kLinger;
  linger_left_ = kLingerBytesMax;
  worker_.loop.disarm(drain_timer_);
  stream_.shutdown();
  worker_.loop.arm(timer_, kLingerTime);
  if (readable_) wake();
}

void SessionH2::linger_over(std::size_t bytes) {
  linger_left_ -= std::min<std::uint64_t>(linger_left_, bytes);
  if (linger_left_ == 0) close();
}

void SessionH2::close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  worker_.loop.disarm(timer_);
  worker_.loop.disarm(drain_timer_);
  worker_.loop.disarm(input_timer_);
  worker_.loop.disarm(reader_timer_);
  sessions_.closed(*this, facts_);
  stream_.close();
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(this));
}

}  // namespace headgate::proxy
