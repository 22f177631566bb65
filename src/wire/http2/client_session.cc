#include "wire/http2/client_session.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "wire/http2/engine.h"

namespace headgate::wire::http2 {
namespace {

class ClientEngine final : public Engine {
 public:
  ClientEngine(ClientEvents& events, const Limits& limits)
      : Engine(Side::kClient, events, limits), client_events_(events) {}

  std::size_t free_streams() const;
  bool can_open() const { return !is_over() && !goaway_ && free_streams() > 0; }
  Result<StreamId> submit_request(const http::RequestHead& head, bool end_stream);
  const PeerSettings& peer() const { return peer_; }
  bool goaway_seen() const { return goaway_; }

 private:
  bool accepts_new_streams() const override { return false; }
  HeadAssembler::Kind head_begun(Stream&) override { return HeadAssembler::Kind::kResponse; }
  void head_complete(Stream& stream, bool end_stream) override;
  void settings_received() override;
  void goaway_received(StreamId last, ErrorCode code) override;
  bool is_refused_by_goaway(StreamId id) const override { return goaway_ && id > goaway_last_; }
  void interim_complete(Stream& stream);
  void build(const http::RequestHead& head);
  Status judge(const http::RequestHead& head) const;

  ClientEvents& client_events_;
  http::ResponseHead head_;
  FieldBlock block_;
  PeerSettings peer_;
  bool goaway_ = false;
  StreamId goaway_last_ = 0;
};

std::unexpected<Error> unsent(Code code, std::string message) {
  return std::unexpected(Error{code, Source::kOrigin, true, std::move(message)});
}

std::size_t ClientEngine::free_streams() const {
  const std::size_t most = std::min(peer_.concurrent_streams_max, limits_.concurrent_streams_max);
  return most > open_streams() ? most - open_streams() : 0;
}

Status ClientEngine::judge(const http::RequestHead& head) const {
  if (is_over()) return unsent(Code::kUnavailable, "HTTP/2 connection to the origin is over");
  if (goaway_) return unsent(Code::kUnavailable, "origin sent GOAWAY");
  if (free_streams() == 0)
    return unsent(Code::kExhausted, fmt::format("{} streams are open", open_streams()));
  if (!head.protocol.empty() && head.method == http::Method::kConnect && !peer_.extended_connect)
    return fail(Code::kInvalid, "origin does not take extended CONNECT (RFC 8441)",
                Source::kOrigin);
  return {};
}

void ClientEngine::build(const http::RequestHead& head) {
  const bool connect = head.method == http::Method::kConnect;
  block_.clear();
  block_.add_static(":method", head.method_text);
  if (!connect || !head.protocol.empty()) {
    block_.add_static(":scheme", head.scheme);
    block_.add_static(":path", head.target);
  }
  block_.add_static(":authority", head.authority);
  if (connect && !head.protocol.empty()) block_.add_static(":protocol", head.protocol);
  block_.add_request(head.fields, head.te_trailers);
}

Result<StreamId> ClientEngine::submit_request(const http::RequestHead& head, bool end_stream) {
  if (const Status status = judge(head); !status) return std::unexpected(status.error());
  const auto next = static_cast<StreamId>(nghttp2_session_get_next_stream_id(session_));
  if (next <= 0) return unsent(Code::kExhausted, "HTTP/2 stream ids are used up");
  build(head);
  Stream& stream = open_stream(next);
  const nghttp2_data_provider body = body_of(stream);
  const StreamId id = nghttp2_submit_request(session_, nullptr, block_.data(), block_.size(),
                                             end_stream ? nullptr : &body, nullptr);
  if (id < 0) {
    streams_.remove(next);
    return unsent(Code::kUnavailable, nghttp2_strerror(id));
  }
  HG_CHECK(id == next, "the library numbers streams in order");
  stream.head_sent = true;
  stream.output_ended = end_stream;
  stream.head_request = head.method == http::Method::kHead;
  stream.tunnel = head.method == http::Method::kConnect;
  announce(stream);
  return id;
}

void ClientEngine::head_complete(Stream& stream, bool end_stream) {
  const HeadAssembler::Verdict verdict =
      heads_.finish_response(head_, end_stream, stream.head_request);
  if (!verdict.ok()) {
    ++(verdict.status == 431 ? stats_.oversized_heads : stats_.bad_heads);
    return break_stream(stream, ErrorCode::kProtocolError, verdict.reason);
  }
  if (http::is_interim(head_.status)) return interim_complete(stream);
  stream.head_done = true;
  stream.input_ended = end_stream;
  stream.tunnel = stream.tunnel && head_.status < 300;
  stream.no_body = stream.head_request || http::has_no_body(head_.status);
  stream.has_length = head_.framing.has_length && !stream.tunnel;
  stream.length = head_.framing.length;
  client_events_.on_response(stream.id, head_, heads_.storage(), end_stream);
}

void ClientEngine::interim_complete(Stream& stream) {
  if (++stream.interims > limits_.interim_max)
    return break_stream(stream, ErrorCode::kEnhanceYourCalm, "too many interim responses");
  client_events_.on_response(stream.id, head_, heads_.storage(), false);
}

void ClientEngine::settings_received() {
  peer_.concurrent_streams_max =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
  peer_.extended_connect =
      nghttp2_session_get_remote_settings(session_, NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL) == 1;
  client_events_.on_settings(peer_);
}

void ClientEngine::goaway_received(StreamId last, ErrorCode) {
  goaway_ = true;
  goaway_last_ = last;
}

ClientEngine& client(Engine& engine) { return static_cast<ClientEngine&>(engine); }

}  // namespace

ClientSession::ClientSession(ClientEvents& events, const Limits& limits)
    : Session(std::make_unique<ClientEngine>(events, limits)) {}
ClientSession::~ClientSession() = default;

bool ClientSession::can_open() const { return client(*engine_).can_open(); }
std::size_t ClientSession::free_streams() const { return client(*engine_).free_streams(); }
Result<StreamId> ClientSession::submit_request(const http::RequestHead& head, bool end_stream) {
  return client(*engine_).submit_request(head, end_stream);
}
const PeerSettings& ClientSession::peer_settings() const { return client(*engine_).peer(); }
bool ClientSession::goaway_seen() const { return client(*engine_).goaway_seen(); }

}  // namespace headgate::wire::http2
