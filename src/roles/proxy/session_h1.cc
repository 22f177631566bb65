#include "roles/proxy/session_h1.h"

#include <algorithm>

#include "roles/proxy/exchange.h"
#include "wire/http/connection_options.h"
#include "wire/http1/writer.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace http1 = wire::http1;
using namespace std::string_view_literals;  // its length is known, that of a plain literal is counted at run time

namespace {
constexpr std::string_view kH2Preface = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
constexpr std::uint64_t kLingerBytesMax = 256 * 1024;  // of an unread body, thrown away so that the answer is not lost to RST
constexpr Duration kLingerTime = 2s;
}  // namespace

SessionH1::SessionH1(WorkerContext& worker, Sessions& sessions, ConnectionFacts facts, io::Stream stream)
    : Session(sessions), worker_(worker), facts_(std::move(facts)), stream_(std::move(stream)),
      resume_([](void* self) { static_cast<SessionH1*>(self)->resume(); }, this) {
  sessions_.opened(*this);
}

SessionH1::~SessionH1() = default;

const model::PortSettings& SessionH1::settings() const {
  static const model::PortSettings kDefaults;
  return facts_.port->port ? facts_.port->port->settings : kDefaults;
}

void SessionH1::start(std::string_view received) {
  if (!worker_.loop.add(stream_.fd(), io::Loop::kBoth, *this)) return close();
  worker_.loop.arm(timer_, settings().head_timeout);
  // TLS may hold bytes that no edge will announce; a plain socket announces what it has when it is added.
  readable_ = stream_.is_tls();
  if (!received.empty()) in_.assign(received);
  if (worker_.draining) drain();
  if (readable_ || !in_.empty()) worker_.loop.defer(resume_);
}

void SessionH1::resume() {
  if (phase_ == Phase::kClosed) return;
  const bool next_head = phase_ == Phase::kHead && keep_alive_;
  const bool tunnel_began = phase_ == Phase::kExchange && body_ == Body::kTunnel;  // with bytes that were sent before it
  if (!in_.empty() && (next_head || tunnel_began)) {
    const std::string early = std::move(in_);
    in_.clear();
    head_scanned_ = 0;
    const std::string_view rest = consume(early);
    if (!rest.empty() && phase_ != Phase::kClosed) in_.assign(rest);
  }
  if (phase_ != Phase::kClosed && readable_) read_all();
}

void SessionH1::on_io(std::uint32_t events) {
  if (phase_ == Phase::kClosed) return;
  if ((events & EPOLLOUT) && out_.blocked()) on_writable();
  if (phase_ == Phase::kClosed || !(events & ~static_cast<std::uint32_t>(EPOLLOUT))) return;
  readable_ = true;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) end_coming_ = true;
  if (phase_ == Phase::kHead && resume_.linked()) return;  // it reads on, after the early requests that are held already
  if (wants_bytes()) return read_all();
  const bool gone = events & (EPOLLHUP | EPOLLERR);
  const bool ended = events & EPOLLRDHUP;
  if (gone) return on_peer_end(io::Transfer::State::kFailed);
  if (ended && phase_ == Phase::kExchange && exchange_->traffic().abort_on_client_close && !exchange_->is_tunnel()) {
    on_peer_end(io::Transfer::State::kFailed);
  }
}

bool SessionH1::wants_bytes() const {
  switch (phase_) {
    case Phase::kHead: return keep_alive_;  // false: the last answer is still on its way out
    case Phase::kLinger: return true;
    case Phase::kExchange: return body_ != Body::kNone && wanted_;
    case Phase::kClosed: return false;
  }
  return false;
}

void SessionH1::read_all() {
  while (wants_bytes()) {
    const io::Transfer transfer = stream_.read(worker_.scratch.data(), worker_.scratch.size());
    if (transfer.state == io::Transfer::State::kWouldBlock) {
      readable_ = false;
      break;
    }
    if (transfer.state != io::Transfer::State::kDone) {
      readable_ = false;
      on_peer_end(transfer.state);
      break;
    }
    const bool drained = stream_.drained() && !end_coming_;  // no edge will tell of the end again
    if (drained) readable_ = false;
    const std::string_view rest = consume({worker_.scratch.data(), transfer.bytes});
    if (!rest.empty() && phase_ != Phase::kClosed) in_.assign(rest);  // an early request: waits for its turn
    if (drained) break;
  }
}

// Returns what the current phase does not take.
std::string_view SessionH1::consume(std::string_view bytes) {
  reading_ = true;
  while (!bytes.empty()) {
    if (phase_ == Phase::kHead && skip_ > 0) {
      const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(skip_, bytes.size()));
      skip_ -= part;
      bytes.remove_prefix(part);
    } else if (phase_ == Phase::kHead) {
      bytes = consume_head(bytes);
    } else if (phase_ == Phase::kExchange && body_ != Body::kNone) {
      bytes = consume_body(bytes);
    } else if (phase_ == Phase::kLinger) {
      linger_left_ -= std::min<std::uint64_t>(linger_left_, bytes.size());
      if (linger_left_ == 0) close();
      bytes = {};
    } else {
      break;
    }
  }
  reading_ = false;
  return phase_ == Phase::kClosed ? std::string_view() : bytes;
}

std::string_view SessionH1::consume_head(std::string_view bytes) {
  const bool kept = !in_.empty();
  if (kept) in_.append(bytes);
  const std::string_view all = kept ? std::string_view(in_) : bytes;
  if (requests_ == 0 && all[0] == 'P' && switch_to_h2(all)) return {};
  const model::PortSettings& s = settings();
  const http1::HeadLimits limits{s.head_bytes_max, s.target_bytes_max, s.fields_max};
  const auto end = http1::find_head_end(all, head_scanned_, limits);
  if (!end) {
    refuse(end.error().status, end.error().reason);
    return {};
  }
  if (!*end) {
    if (!kept) {
      in_.assign(bytes);
      if (requests_ > 0) worker_.loop.arm(timer_, s.head_timeout);
    }
    return {};
  }
  head_scanned_ = 0;
  const std::size_t head_bytes = **end;
  if (!kept) {
    start_exchange(bytes.substr(0, head_bytes), bytes.size() - head_bytes);
    return bytes.substr(head_bytes);
  }
  const std::string whole = std::move(in_);
  in_.clear();
  const std::size_t rest = whole.size() - head_bytes;
  start_exchange(std::string_view(whole).substr(0, head_bytes), rest);
  return bytes.substr(bytes.size() - rest);
}

void SessionH1::start_exchange(std::string_view head_text, std::size_t in_hand) {
  ++requests_;
  in_hand_ = in_hand;
  Exchange& exchange = worker_.exchanges.take();
  exchange_ = &exchange;
  exchange.head_text().assign(head_text);
  phase_ = Phase::kExchange;
  response_begun_ = false;
  wanted_ = true;
  const model::PortSettings& s = settings();
  http::RequestHead& head = exchange.head();
  const auto parsed = http1::parse_request_head(exchange.head_text(), {s.head_bytes_max, s.target_bytes_max, s.fields_max}, head);
  worker_.loop.disarm(timer_);
  if (!parsed) {
    keep_alive_ = last_request_ = false;
    head.framing = {};
    head_request_ = false;
    return exchange.start_refused(facts_, *this, parsed.error().status, "bad_request", parsed.error().reason);
  }
  head.scheme = facts_.tls ? "https" : "http";  // what the client says about the transport is not believed
  head_request_ = head.method == http::Method::kHead;
  const bool worn_out = s.requests_per_connection_max != 0 && requests_ >= s.requests_per_connection_max;
  keep_alive_ = head.keep_alive && !worn_out && !worker_.draining && !draining_ && facts_.port->world;
  using Kind = http::Framing::Kind;
  body_ = head.framing.kind == Kind::kChunked ? Body::kChunked : head.framing.kind == Kind::kLength ? Body::kLength : Body::kNone;
  if (body_ == Body::kLength && head.framing.length == 0) {
    body_ = Body::kNone;
    head.framing.kind = Kind::kLength;
  }
  last_request_ = !head.keep_alive && body_ == Body::kNone;
  body_left_ = head.framing.length;
  body_bytes_ = 0;
  if (body_ == Body::kChunked) {
    if (!chunked_) chunked_ = std::make_unique<http1::ChunkedDecoder>();
    chunked_->reset();
  }
  if (body_ != Body::kNone) {
    body_started_ = worker_.loop.now();
    arm_body_timer();
  }
  exchange.start(facts_, *this);
}

void SessionH1::refuse(int status, std::string_view detail) {
  ++requests_;
  Exchange& exchange = worker_.exchanges.take();
  exchange_ = &exchange;
  phase_ = Phase::kExchange;
  body_ = Body::kNone;
  response_begun_ = keep_alive_ = last_request_ = false;
  in_.clear();
  exchange.head() = {};
  head_request_ = false;
  worker_.loop.disarm(timer_);
  exchange.start_refused(facts_, *this, status, "bad_request", detail);
}

std::string_view SessionH1::consume_body(std::string_view bytes) {
  if (body_ == Body::kTunnel) {
    exchange_->on_request_body(bytes, false);
    return {};
  }
  if (body_ == Body::kChunked) return consume_chunked(bytes);
  const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, bytes.size()));
  body_left_ -= part;
  body_bytes_ += part;
  in_hand_ -= std::min<std::uint64_t>(in_hand_, part);
  const bool end = body_left_ == 0;
  if (end) body_ended();
  exchange_->on_request_body(bytes.substr(0, part), end);
  return bytes.substr(part);
}

std::string_view SessionH1::consume_chunked(std::string_view bytes) {
  using Event = http1::ChunkedDecoder::Event;
  while (exchange_ && body_ == Body::kChunked) {
    const auto step = chunked_->next(bytes);
    switch (step.event) {
      case Event::kData:
        body_bytes_ += step.data.size();
        exchange_->on_request_body(step.data, false);
        break;
      case Event::kNeedMore: return {};
      case Event::kEnd:
        body_ended();
        if (chunked_->trailers().empty()) exchange_->on_request_body({}, true);
        else exchange_->on_request_trailers(chunked_->trailers());
        return bytes;
      case Event::kError:
        keep_alive_ = false;
        body_ended();
        exchange_->on_client_error("malformed chunk");
        return {};
    }
  }
  return exchange_ ? bytes : std::string_view();
}

// True when these are the first bytes of HTTP/2 with prior knowledge, complete or not.
bool SessionH1::switch_to_h2(std::string_view bytes) {
  if (!settings().http2 || facts_.tls) return false;
  const std::size_t length = std::min(bytes.size(), kH2Preface.size());
  if (bytes.substr(0, length) != kH2Preface.substr(0, length)) return false;
  if (bytes.size() < kH2Preface.size()) {
    if (in_.empty()) in_.assign(bytes);
    return true;
  }
  const std::string received(bytes);
  phase_ = Phase::kClosed;
  worker_.loop.disarm(timer_);
  worker_.loop.remove(stream_.fd());
  io::Stream stream = std::move(stream_);
  ConnectionFacts facts = std::move(facts_);
  Sessions& sessions = sessions_;
  sessions.passed_on(*this);
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(this));
  sessions.start_h2(std::move(facts), std::move(stream), received);
  return true;
}

void SessionH1::on_peer_end(io::Transfer::State state) {
  if (phase_ != Phase::kExchange) return close();
  if (state == io::Transfer::State::kClosed && body_ == Body::kTunnel) {
    body_ = Body::kNone;
    return exchange_->on_request_body({}, true);
  }
  aborted_ = true;
  exchange_->on_client_gone();  // comes back through exchange_done
}

void SessionH1::send_interim(int status, const http::Fields& fields) {
  std::string& out = out_.text();
  http1::append_status_line(out, status, {});
  http1::append_fields(out, fields);
  out += "\r\n"sv;
}

void SessionH1::send_head_with(std::string_view lines, int status, const http::Fields& fields,
                               ResponseBody body) {
  response_begun_ = true;
  response_ = body.kind;
  const http::RequestHead& request = exchange_->head();
  const bool old = request.version == http::Version::k10;
  // The rest of an unread body would be taken for the next request; a client that waits for 100 may never send it.
  if (body_ != Body::kNone && body.kind != ResponseBody::Kind::kTunnel && !rest_of_body_is_in_hand()) keep_alive_ = false;
  if (exchange_->drops_keep_alive() || worker_.draining || draining_) keep_alive_ = false;
  chunk_response_ = body.kind == ResponseBody::Kind::kStream && !old;
  if (body.kind == ResponseBody::Kind::kStream && old) keep_alive_ = false;
  out_.borrow(worker_.spare_output);
  std::string& out = out_.text();
  http1::append_status_line(out, status, {});
  out += lines;
  http1::append_fields(out, fields);
  if (body.kind == ResponseBody::Kind::kLength) {
    http1::append_content_length(out, body.length);
  } else if (chunk_response_) {
    out += "transfer-encoding: chunked\r\n"sv;
  }
  if (body.kind == ResponseBody::Kind::kTunnel) {
    keep_alive_ = false;
    body_ = Body::kTunnel;
    wanted_ = true;
    if (status == 101) {
      out += "connection: upgrade\r\nupgrade: "sv;
      out += request.protocol;
      out += "\r\n"sv;
    }
    worker_.loop.disarm(timer_);
    worker_.loop.defer(resume_);
  } else if (!keep_alive_) {
    out += "connection: close\r\n"sv;
  } else if (old) {
    out += "connection: keep-alive\r\n"sv;
  }
  out += "\r\n"sv;
}

void SessionH1::send_body(std::string_view bytes, bool end) {
  if (!chunk_response_) {
    write_out(bytes);
    tunnel_ended_ = end && response_ == ResponseBody::Kind::kTunnel;
    return end_tunnel();
  }
  if (!bytes.empty()) http1::append_chunk_head(out_.text(), bytes.size());
  write_out(bytes, bytes.empty() ? (end ? "0\r\n\r\n" : "") : end ? "\r\n0\r\n\r\n" : "\r\n");
}

void SessionH1::send_pieces(std::string_view first, std::string_view second, bool end) {
  if (!chunk_response_) return write_out(first, second);
  send_body(first, false);
  send_body(second, end);
}

void SessionH1::send_trailers(const http::Fields& fields) {
  if (chunk_response_) {
    std::string& out = out_.text();
    out += "0\r\n"sv;
    if (exchange_->head().te_trailers) {
      http1::append_fields(out, fields);
    }
    out += "\r\n"sv;
  }
  flush();
}

void SessionH1::flush() {
  if (!out_.empty() && !out_.blocked()) write_out({});
}

void SessionH1::write_out(std::string_view bytes, std::string_view tail) {
  if (phase_ == Phase::kClosed) return;
  if (out_.write(stream_, bytes, tail)) return time_reader();
  out_.clear();
  aborted_ = true;
  readable_ = true;
  worker_.loop.defer(resume_);
}

// The origin's end of a tunnel, behind its last byte.
void SessionH1::end_tunnel() {
  if (tunnel_ended_ && out_.empty() && phase_ == Phase::kExchange) stream_.shutdown();
}

void SessionH1::on_writable() {
  write_out({});
  if (out_.blocked()) return;
  end_tunnel();
  if (phase_ == Phase::kExchange && exchange_) return exchange_->on_client_writable();
  if (phase_ == Phase::kHead && !keep_alive_) begin_linger();
}

void SessionH1::want_request_body(bool wanted) {
  wanted_ = wanted;
  if (!wanted) return worker_.loop.disarm(timer_);
  if (body_ != Body::kNone && body_ != Body::kTunnel) {
    body_started_ = worker_.loop.now();
    body_bytes_ = 0;
    arm_body_timer();
  }
  if (readable_) worker_.loop.defer(resume_);
}

void SessionH1::abort() { aborted_ = true; }

void SessionH1::exchange_done() {
  exchange_ = nullptr;
  if (phase_ == Phase::kClosed) return;
  if (!aborted_) flush();
  if (aborted_) return close();
  if (body_ != Body::kNone && keep_alive_ && reading_ && rest_of_body_is_in_hand()) skip_ = body_left_;
  else if (body_ != Body::kNone) keep_alive_ = false;
  if (!keep_alive_) {
    phase_ = Phase::kHead;
    return out_.blocked() ? worker_.loop.arm(timer_, settings().idle_timeout) : begin_linger();
  }
  next_request();
}

void SessionH1::next_request() {
  phase_ = Phase::kHead;
  body_ = Body::kNone;
  worker_.loop.arm(timer_, settings().idle_timeout);
  if (draining_) worker_.loop.arm_earlier(timer_, drain_grace());
  if (reading_) return;  // consume() goes on with what it holds
  out_.lend(worker_.spare_output);
  if (readable_ || !in_.empty()) worker_.loop.defer(resume_);
}

// Says that nothing more comes, then reads and drops for a short while: a close with unread input would send RST, and the
// client would lose the answer. Not when the client said itself that this was its last request, and has sent all of it.
void SessionH1::begin_linger() {
  if (nothing_follows()) return close();
  phase_ = Phase::kLinger;
  linger_left_ = kLingerBytesMax;
  stream_.shutdown();
  worker_.loop.arm(timer_, kLingerTime);
  if (readable_) worker_.loop.defer(resume_);
}

// One timer: for a head that does not end, an idle connection, a body below its minimum rate, or the end of lingering.
void SessionH1::on_timer() {
  switch (phase_) {
    case Phase::kHead:
      if (out_.blocked() && in_.empty()) return wait_for_reader();
      if (!keep_alive_) return close();
      if (in_.empty() && (draining_ || requests_ > 0) && reads_late_request()) return;
      if (in_.empty() && draining_) return begin_linger();
      if (in_.empty()) {
        if (requests_ > 0) worker_.stats.timeouts_idle.add();
        else worker_.stats.timeouts_head.add();
        return close();
      }
      worker_.stats.timeouts_head.add();
      return refuse(408, "the request head did not arrive in time");
    case Phase::kExchange: {
      const std::uint64_t rate = settings().body_bytes_per_second_min;
      const std::int64_t ms = (worker_.loop.now() - body_started_).count() / 1'000'000;
      if (body_ == Body::kNone || body_ == Body::kTunnel || !wanted_ || !exchange_) return;
      if (rate == 0 || body_bytes_ * 1000 >= rate * static_cast<std::uint64_t>(ms)) return arm_body_timer();
      keep_alive_ = false;
      return exchange_->on_client_body_too_slow();
    }
    case Phase::kLinger: return close();
    case Phase::kClosed: return;
  }
}

// After each write: looks at a client that leaves bytes waiting, for as long as it does.
void SessionH1::time_reader() {
  if (!out_.blocked()) {
    if (reader_) worker_.loop.disarm(reader_->timer);
    return;
  }
  if (response_ == ResponseBody::Kind::kTunnel) return;
  if (!reader_) reader_ = std::make_unique<Reader>(this);
  if (reader_->timer.armed()) return;
  const std::uint64_t taken = io::acknowledged_bytes(stream_.fd());
  reader_->rate.is_below(0, taken, true);
  reader_->rate.moves(taken);
  worker_.loop.arm(reader_->timer, settings().response_grace);
}

void SessionH1::look_at_reader() {
  if (phase_ == Phase::kClosed || !out_.blocked()) return;
  const model::PortSettings& s = settings();
  const std::uint64_t least = bytes_in(s.response_grace, s.response_bytes_per_second_min);
  if (!reader_->rate.is_below(least, io::acknowledged_bytes(stream_.fd()), true))
    return worker_.loop.arm(reader_->timer, s.response_grace);
  aborted_ = true;
  if (exchange_) return exchange_->on_client_reads_too_slowly();
  worker_.stats.timeouts_response.add();
  close();
}

// Nothing is under way but the rest of an answer: progress is not idleness.
void SessionH1::wait_for_reader() {
  const bool drains = draining_ && std::exchange(keep_alive_, false);
  if (!drains && !reads_on()) return close();
  worker_.loop.arm(timer_, settings().idle_timeout);
}

bool SessionH1::reads_on() {
  return out_.blocked() && reader_ && reader_->rate.moves(io::acknowledged_bytes(stream_.fd()));
}

void SessionH1::arm_body_timer() { worker_.loop.arm(timer_, settings().body_grace); }

// A client believes in the connection until an answer says "close": one that is idle, or that has a head without it, may be
// sending its next request this moment, and would lose it to a close. So the next answer says it, and only who is idle for
// the whole grace is closed without a word.
void SessionH1::drain() {
  draining_ = true;
  if (phase_ == Phase::kExchange && !response_begun_) keep_alive_ = false;
  if (phase_ == Phase::kHead && keep_alive_ && in_.empty()) worker_.loop.arm_earlier(timer_, drain_grace());
}

Duration SessionH1::drain_grace() {
  const DrainPace& pace = worker_.drain_pace;
  const auto spread = static_cast<std::uint64_t>(std::max((pace.idle_max - pace.idle_min).count(), std::int64_t{1}));
  return pace.idle_min + Duration(static_cast<std::int64_t>(worker_.prng.below(spread)));
}

// True when a request came in the turn in which its connection would have been closed for being idle.
bool SessionH1::reads_late_request() {
  if (!io::has_pending_input(stream_.fd())) return false;
  readable_ = true;
  worker_.loop.arm(timer_, settings().head_timeout);
  worker_.loop.defer(resume_);
  return true;
}

void SessionH1::kill() {
  if (phase_ == Phase::kClosed) return;
  if (!exchange_ && out_.empty()) return close();  // everything was answered: an end, not an abort
  aborted_ = true;
  if (exchange_) return exchange_->on_client_gone();
  close();
}

void SessionH1::close() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  worker_.loop.disarm(timer_);
  if (reader_) worker_.loop.disarm(reader_->timer);
  if (aborted_ && response_begun_) io::set_reset_on_close(stream_.fd());
  sessions_.closed(*this, facts_);
  stream_.close();
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(this));
}

}  // namespace headgate::proxy
