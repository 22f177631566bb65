#include "roles/proxy/origin_h1.h"

#include <algorithm>
#include <array>
#include <bit>

#include "base/ascii.h"
#include "roles/proxy/origin_pool.h"
#include "roles/proxy/worker_context.h"
#include "wire/http1/head.h"
#include "wire/http1/writer.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace http1 = wire::http1;
using namespace std::string_view_literals;  // its length is known, that of a plain literal is counted at run time

namespace {
constexpr std::uint8_t kInterimMax = 16;  // 1xx responses before the final one (notes row 9: bounded)
constexpr http1::HeadLimits kResponseLimits{};
constexpr std::size_t kSmallReadBytes = 1400;
}  // namespace

OriginH1::OriginH1(WorkerContext& worker, OriginPool& pool, Slot& slot, io::Stream stream, std::uint64_t requests_served)
    : worker_(worker), pool_(pool), slot_(&slot), stream_(std::move(stream)), requests_(requests_served),
      idle_since_(worker.loop.now()),
      resume_([](void* self) { static_cast<OriginH1*>(self)->resume(); }, this) {}

OriginH1::~OriginH1() = default;

void OriginH1::attach(OriginReceiver& receiver) {
  ListNode<IdleTag>::unlink();
  receiver_ = &receiver;
  phase_ = Phase::kHead;
  reused_ = requests_ > 0;
  ++requests_;
  request_started_ = request_sent_ = upgrade_asked_ = acknowledged_ = false;
  wanted_ = true;
  interim_left_ = kInterimMax;
  upgrade_.reset();
}

bool OriginH1::alive_by_peek() const { return !io::has_pending_input(stream_.fd()); }

bool OriginH1::start_watching(bool registered) {
  if (!registered) return worker_.loop.add(stream_.fd(), io::Loop::kBoth, *this).has_value();
  worker_.loop.modify(stream_.fd(), io::Loop::kBoth, *this);
  return true;
}

io::Stream OriginH1::leave() {
  worker_.loop.remove(stream_.fd());
  io::Stream stream = std::move(stream_);
  phase_ = Phase::kClosed;
  ListNode<IdleTag>::unlink();
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(this));
  return stream;
}

void OriginH1::send_head(const http::RequestHead& head, bool end) {
  if (is_extended_connect(head)) {
    const std::array<std::uint64_t, 2> nonce = {worker_.prng.next(), worker_.prng.next()};
    upgrade_ = std::make_unique<UpgradeRequest>(head, std::bit_cast<std::array<char, 16>>(nonce));
    return send_head(upgrade_->head(), true);
  }
  method_ = head.method;
  request_started_ = true;
  upgrade_asked_ = !head.protocol.empty() || head.method == http::Method::kConnect;
  std::string& out = out_.text();
  http1::append_request_line(out, head.method_text, head.target);
  http1::append_field(out, "host", head.authority);
  http1::append_fields(out, head.fields);
  if (!head.protocol.empty()) {
    out += "connection: upgrade\r\nupgrade: "sv;
    out += head.protocol;
    out += "\r\n"sv;
  }
  chunk_request_ = head.framing.kind == http::Framing::Kind::kChunked;
  if (chunk_request_) {
    out += "transfer-encoding: chunked\r\n"sv;
  } else if (head.framing.kind == http::Framing::Kind::kLength) {
    out += "content-length: "sv;
    append_decimal(out, head.framing.length);
    out += "\r\n"sv;
  }
  out += "\r\n"sv;
  if (!end) return;
  request_complete();
  write_out({});
}

void OriginH1::send_body(std::string_view bytes, bool end) {
  if (end) request_complete();
  if (!chunk_request_) {
    write_out(bytes);
    if (end && phase_ == Phase::kTunnel && out_.empty()) stream_.shutdown();
    return;
  }
  if (bytes.empty() && !end) return;
  if (!bytes.empty()) http1::append_chunk_head(out_.text(), bytes.size());
  write_out(bytes, bytes.empty() ? "0\r\n\r\n" : end ? "\r\n0\r\n\r\n" : "\r\n");
}

void OriginH1::send_trailers(const http::Fields& fields) {
  request_complete();
  if (!chunk_request_) return flush();
  std::string& out = out_.text();
  out += "0\r\n"sv;
  http1::append_fields(out, fields);
  out += "\r\n"sv;
  flush();
}

void OriginH1::flush() {
  if (!out_.empty()) write_out({});
}

// A broken pipe is not reported here: the response may have arrived before it (early answer), so the read side decides.
void OriginH1::write_out(std::string_view bytes, std::string_view tail) {
  if (phase_ == Phase::kClosed) return;
  if (out_.write(stream_, bytes, tail)) return;
  out_.clear();
  keep_alive_ = false;
  readable_ = true;
  worker_.loop.defer(resume_);
}

void OriginH1::want_response_body(bool wanted) {
  wanted_ = wanted;
  if (wanted && readable_) worker_.loop.defer(resume_);
}

void OriginH1::resume() {
  if (phase_ != Phase::kClosed && readable_) read_all();
}

void OriginH1::cancel() {
  receiver_ = nullptr;
  retire();
}

void OriginH1::on_io(std::uint32_t events) {
  if ((events & EPOLLOUT) && out_.blocked()) {
    write_out({});
    if (!out_.blocked() && receiver_) {
      if (phase_ == Phase::kTunnel && request_sent_) stream_.shutdown();
      receiver_->on_origin_writable();
    }
  }
  if (!(events & ~static_cast<std::uint32_t>(EPOLLOUT)) || phase_ == Phase::kClosed) return;
  readable_ = true;
  if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) end_coming_ = true;
  if (phase_ == Phase::kIdle) return close();  // closed by the peer, or bytes that nobody asked for
  if (wanted_ || phase_ == Phase::kHead) read_all();
}

void OriginH1::read_all() {
  while (phase_ != Phase::kClosed && phase_ != Phase::kIdle && (wanted_ || phase_ == Phase::kHead)) {
    const io::Transfer transfer = stream_.read(worker_.scratch.data(), worker_.scratch.size());
    if (transfer.state == io::Transfer::State::kWouldBlock) {
      readable_ = false;
      break;
    }
    if (transfer.state != io::Transfer::State::kDone) {
      readable_ = false;
      on_peer_end(transfer);
      break;
    }
    const bool drained = stream_.drained() && !end_coming_;  // no edge will tell of the end again
    if (drained) readable_ = false;
    consume({worker_.scratch.data(), transfer.bytes});
    if (drained && receiver_ && transfer.bytes < kSmallReadBytes && phase_ != Phase::kTunnel) acknowledge_early();
    if (drained) break;
  }
  if (receiver_) receiver_->on_origin_idle();
}

// An origin that writes head and body apart, with Nagle's algorithm on, holds the body back until the head is acknowledged,
// and a delayed acknowledgement takes 40 ms. One call for a response that arrives in small pieces.
void OriginH1::acknowledge_early() {
  if (std::exchange(acknowledged_, true)) return;
  io::acknowledge_now(stream_.fd());
}

void OriginH1::consume(std::string_view bytes) {
  const std::uint64_t serving = requests_;
  while (!bytes.empty() && receiver_ && requests_ == serving) {
    switch (phase_) {
      case Phase::kHead: bytes = consume_head(bytes); break;
      case Phase::kBody: bytes = consume_length(bytes); break;
      case Phase::kChunked: bytes = consume_chunked(bytes); break;
      case Phase::kUntilClose:
      case Phase::kTunnel: receiver_->on_response_body(bytes, false); return;
      case Phase::kIdle:
      case Phase::kClosed: return;
    }
  }
  if (bytes.empty()) return;
  // Bytes after the end of a response: the peer is not to be trusted with another request, nor with
  // the one that the end of this one set going.
  if (phase_ == Phase::kIdle)
    close();
  else if (requests_ != serving)
    fail(OriginFailure::Kind::kReset, "bytes that no request asked for");
}

// Returns what follows the head; empty when it is not complete yet.
std::string_view OriginH1::consume_head(std::string_view bytes) {
  const bool kept = !in_.empty();
  if (kept) in_.append(bytes);
  const std::string_view all = kept ? std::string_view(in_) : bytes;
  const auto end = http1::find_head_end(all, head_scanned_, kResponseLimits);
  if (!end) {
    fail(OriginFailure::Kind::kProtocol, end.error().reason);
    return {};
  }
  if (!*end) {
    if (!kept) in_.assign(bytes);
    return {};
  }
  head_scanned_ = 0;
  const std::size_t head_bytes = **end;
  if (!kept) {
    on_head(bytes.substr(0, head_bytes));
    return bytes.substr(head_bytes);
  }
  const std::string whole = std::move(in_);
  in_.clear();
  const std::size_t rest = whole.size() - head_bytes;
  on_head(std::string_view(whole).substr(0, head_bytes));
  return bytes.substr(bytes.size() - rest);
}

void OriginH1::on_head(std::string_view head_text) {
  const auto parsed = http1::parse_response_head(head_text, method_, kResponseLimits, head_);
  if (!parsed) return fail(OriginFailure::Kind::kProtocol, parsed.error().reason);
  if (http::is_interim(head_.status) && head_.status != 101) {
    if (interim_left_-- == 0) return fail(OriginFailure::Kind::kProtocol, "too many interim responses");
    return receiver_->on_interim(head_.status, head_.fields);
  }
  if (head_.status == 101 && !upgrade_asked_) return fail(OriginFailure::Kind::kProtocol, "101 without Upgrade");
  if (head_.status == 101 && upgrade_ && !upgrade_->accepts(head_)) {
    return fail(OriginFailure::Kind::kProtocol, "101 with a wrong Sec-WebSocket-Accept");
  }
  keep_alive_ = head_.keep_alive;
  const bool tunnel = head_.status == 101 || (method_ == http::Method::kConnect && head_.status / 100 == 2);
  if (tunnel) {
    phase_ = Phase::kTunnel;
    chunk_request_ = false;
    request_sent_ = false;
    keep_alive_ = false;
    return receiver_->on_response_head(head_, false);
  }
  using Kind = http::Framing::Kind;
  if (head_.framing.kind == Kind::kNone || (head_.framing.kind == Kind::kLength && head_.framing.length == 0)) {
    return release().on_response_head(head_, true);
  }
  body_left_ = head_.framing.length;
  chunked_.reset();
  phase_ = head_.framing.kind == Kind::kLength    ? Phase::kBody
           : head_.framing.kind == Kind::kChunked ? Phase::kChunked
                                                  : Phase::kUntilClose;
  if (phase_ == Phase::kUntilClose) keep_alive_ = false;
  receiver_->on_response_head(head_, false);
}

std::string_view OriginH1::consume_length(std::string_view bytes) {
  const std::size_t part = static_cast<std::size_t>(std::min<std::uint64_t>(body_left_, bytes.size()));
  body_left_ -= part;
  if (body_left_ > 0) {
    receiver_->on_response_body(bytes, false);
    return {};
  }
  release().on_response_body(bytes.substr(0, part), true);
  return bytes.substr(part);
}

// Holds each piece back until it is known whether the message ends with it: last data and end leave in one send.
std::string_view OriginH1::consume_chunked(std::string_view bytes) {
  using Event = http1::ChunkedDecoder::Event;
  std::string_view held;
  while (receiver_) {
    const auto step = chunked_.next(bytes);
    switch (step.event) {
      case Event::kData:
        if (!held.empty()) receiver_->on_response_body(held, false);
        held = step.data;
        break;
      case Event::kNeedMore:
        if (!held.empty()) receiver_->on_response_body(held, false);
        return {};
      case Event::kEnd:
        deliver_chunk_end(held);
        return bytes;
      case Event::kError:
        fail(OriginFailure::Kind::kProtocol, chunked_.error());
        return {};
    }
  }
  return {};
}

void OriginH1::deliver_chunk_end(std::string_view last) {
  if (chunked_.trailers().empty()) return release().on_response_body(last, true);
  if (!last.empty()) receiver_->on_response_body(last, false);
  if (receiver_) release().on_response_trailers(chunked_.trailers());
}

void OriginH1::on_peer_end(const io::Transfer& transfer) {
  if (phase_ == Phase::kUntilClose && transfer.state == io::Transfer::State::kClosed) {
    return release().on_response_body({}, true);
  }
  if (phase_ == Phase::kTunnel && transfer.state == io::Transfer::State::kClosed) {
    wanted_ = false;
    return receiver_->on_response_body({}, true);  // half-close: the other direction may go on
  }
  fail(OriginFailure::Kind::kReset, phase_ == Phase::kHead ? "connection closed before the response"
                                                           : "connection closed before the end of the response");
}

OriginReceiver& OriginH1::release() {
  OriginReceiver& receiver = *receiver_;
  receiver_ = nullptr;
  const std::uint64_t requests_max = pool_.definition().requests_per_connection_max;
  const bool reusable = keep_alive_ && !end_coming_ && request_sent_ && out_.empty() && (requests_max == 0 || requests_ < requests_max);
  if (reusable) {
    phase_ = Phase::kIdle;
    idle_since_ = worker_.loop.now();
    pool_.give_back(*this);
  } else {
    retire();
  }
  return receiver;
}

void OriginH1::fail(OriginFailure::Kind kind, std::string_view detail) {
  OriginReceiver* receiver = std::exchange(receiver_, nullptr);
  retire();
  if (receiver) receiver->on_origin_failed({kind, reused_, request_started_, detail});
}

void OriginH1::close() {
  if (phase_ != Phase::kClosed) retire();
}

void OriginH1::retire() {
  if (phase_ == Phase::kClosed) return;
  phase_ = Phase::kClosed;
  ListNode<IdleTag>::unlink();
  stream_.close();
  pool_.closed(*slot_);
  worker_.loop.retire(std::unique_ptr<io::EventHandler>(this));
}

}  // namespace headgate::proxy
