#include "wire/http2/server_session.h"

#include <array>
#include <utility>

#include "base/check.h"
#include "wire/http2/engine.h"

namespace headgate::wire::http2 {
namespace {

class ServerEngine final : public Engine {
 public:
  ServerEngine(ServerEvents& events, const Limits& limits)
      : Engine(Side::kServer, events, limits), server_events_(events) {}

  void submit_head(StreamId id, int status, const http::Fields& fields, bool interim,
                   bool end_stream);
  void release(StreamId id);
  std::size_t unreleased() const { return unreleased_; }
  void begin_drain();
  void finish_drain();

 private:
  bool accepts_new_streams() const override { return true; }
  HeadAssembler::Kind head_begun(Stream& stream) override;
  void head_complete(Stream& stream, bool end_stream) override;
  void stream_ended(Stream& stream) override;
  void before_output() override;
  void refuse(Stream& stream);
  void answer_bad(Stream& stream, const HeadAssembler::Verdict& verdict);

  ServerEvents& server_events_;
  http::RequestHead head_;
  FieldBlock block_;
  std::size_t unreleased_ = 0;
};

HeadAssembler::Kind ServerEngine::head_begun(Stream& stream) {
  stream.refused = unreleased_ >= limits_.concurrent_streams_max;
  return HeadAssembler::Kind::kRequest;
}

void ServerEngine::head_complete(Stream& stream, bool end_stream) {
  stream.head_done = true;
  stream.input_ended = end_stream;
  if (stream.refused) return refuse(stream);
  const HeadAssembler::Verdict verdict = heads_.finish_request(head_, end_stream);
  announce(stream);
  if (!verdict.ok()) return answer_bad(stream, verdict);
  stream.tunnel = head_.method == http::Method::kConnect;
  stream.has_length = head_.framing.has_length && !stream.tunnel;
  stream.length = head_.framing.length;
  stream.counted = true;
  ++unreleased_;
  server_events_.on_request(stream.id, head_, heads_.storage(), end_stream);
}

// Not announced: the peer goes beyond what SETTINGS allows, or resets faster than its work can be
// stopped.
void ServerEngine::refuse(Stream& stream) {
  ++stats_.refused_streams;
  stream.quiet = true;
  submit_reset(stream, ErrorCode::kRefusedStream);
  charge(Flood::kRefused);
}

void ServerEngine::answer_bad(Stream& stream, const HeadAssembler::Verdict& verdict) {
  ++(verdict.status == 431 ? stats_.oversized_heads : stats_.bad_heads);
  stream.discard = true;
  server_events_.on_bad_request(stream.id, {verdict.status, verdict.reason, &head_});
}

void ServerEngine::stream_ended(Stream& stream) {
  // The other direction of a tunnel goes on.
  if (stream.input_ended || stream.quiet || stream.tunnel) return;
  stream.quiet = true;
  submit_reset(stream, ErrorCode::kNoError);
}

void ServerEngine::submit_head(StreamId id, int status, const http::Fields& fields, bool interim,
                               bool end_stream) {
  HG_CHECK(status >= 100 && status <= 999 && status != 101, "a status of three digits, not 101");
  HG_CHECK(interim == http::is_interim(status),
           "1xx goes by submit_interim, others by submit_response");
  Stream* stream = usable(id);
  if (!stream) return;
  HG_CHECK(!stream->head_sent, "one response for each stream, interim ones before it");
  const std::array<char, 3> digits = {static_cast<char>('0' + status / 100),
                                      static_cast<char>('0' + status / 10 % 10),
                                      static_cast<char>('0' + status % 10)};
  block_.clear();
  block_.add_static(":status", {digits.data(), digits.size()});
  block_.add(fields);
  if (interim) {
    nghttp2_submit_headers(session_, NGHTTP2_FLAG_NONE, id, nullptr, block_.data(), block_.size(),
                           nullptr);
    return;
  }
  stream->head_sent = true;
  stream->tunnel = stream->tunnel && status < 300;
  stream->output_ended = end_stream;
  const nghttp2_data_provider body = body_of(*stream);
  nghttp2_submit_response(session_, id, block_.data(), block_.size(), end_stream ? nullptr : &body);
}

void ServerEngine::release(StreamId id) {
  Stream* stream = streams_.find(id);
  if (!stream || !stream->counted) return;
  stream->counted = false;
  --unreleased_;
  forget_if_done(*stream);
}

void ServerEngine::begin_drain() {
  if (draining_) return;
  draining_ = true;
  nghttp2_submit_shutdown_notice(session_);
  ping(ServerSession::kDrainPing);
}

void ServerEngine::finish_drain() {
  draining_ = true;
  last_due_ = true;
}

// Which stream is the last is known when the GOAWAY leaves, not when it is asked for: requests may
// come in between, also in the bytes that carried the answer to our PING.
void ServerEngine::before_output() {
  if (!std::exchange(last_due_, false) || failed_) return;
  draining_ = false;
  last_unsent_ = true;
  nghttp2_submit_goaway(session_, NGHTTP2_FLAG_NONE,
                        nghttp2_session_get_last_proc_stream_id(session_), NGHTTP2_NO_ERROR,
                        nullptr, 0);
}

ServerEngine& server(Engine& engine) { return static_cast<ServerEngine&>(engine); }

}  // namespace

ServerSession::ServerSession(ServerEvents& events, const Limits& limits)
    : Session(std::make_unique<ServerEngine>(events, limits)) {}
ServerSession::~ServerSession() = default;

void ServerSession::submit_response(StreamId stream, int status, const http::Fields& fields,
                                    bool end_stream) {
  server(*engine_).submit_head(stream, status, fields, false, end_stream);
}
void ServerSession::submit_interim(StreamId stream, int status, const http::Fields& fields) {
  server(*engine_).submit_head(stream, status, fields, true, false);
}
void ServerSession::release(StreamId stream) { server(*engine_).release(stream); }
std::size_t ServerSession::unreleased() const { return server(*engine_).unreleased(); }
void ServerSession::begin_drain() { server(*engine_).begin_drain(); }
void ServerSession::finish_drain() { server(*engine_).finish_drain(); }

}  // namespace headgate::wire::http2
