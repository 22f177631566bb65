#include "roles/proxy/origin_h2.h"

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "roles/proxy/origin_pool.h"
#include "roles/proxy/testing/one_worker.h"
#include "wire/http2/testing/frames.h"
#include "wire/http2/testing/recorders.h"

namespace headgate::proxy {
namespace {

namespace http = wire::http;
namespace http2 = wire::http2;
namespace frames = wire::http2::testing;
using http::FieldId;

// What an attempt would hear.
class Receiver final : public OriginReceiver {
 public:
  void on_origin_ready(OriginStream& ready) override { stream = &ready; }
  void on_interim(int code, const http::Fields&) override { interims.push_back(code); }
  void on_response_head(http::ResponseHead& head, bool end) override {
    status = head.status;
    for (const http::Field& f : head.fields)
      fields += std::string(f.name) + ": " + std::string(f.value) + "\n";
    ended = ended || end;
  }
  void on_response_body(std::string_view bytes, bool end) override {
    body += bytes;
    ended = ended || end;
    if (pause_at != 0 && body.size() >= pause_at && stream) stream->want_response_body(false);
  }
  void on_response_trailers(const http::Fields& got) override {
    for (const http::Field& f : got)
      trailers += std::string(f.name) + ": " + std::string(f.value) + "\n";
    ended = true;
  }
  void on_origin_writable() override { ++writables; }
  void on_origin_failed(const OriginFailure& f) override {
    failure = f.kind;
    reused = f.reused;
    written = f.request_written;
    detail = f.detail;
    stream = nullptr;
  }
  void on_origin_idle() override { ++idles; }

  OriginStream* stream = nullptr;
  int status = 0, writables = 0, idles = 0;
  std::vector<int> interims;
  std::string fields, body, trailers, detail;
  bool ended = false, reused = false, written = false;
  std::optional<OriginFailure::Kind> failure;
  std::size_t pause_at = 0;
};

// One connection of a pool to an origin that this test plays.
class OriginH2Test : public ::testing::Test {
 protected:
  OriginH2Test() {
    auto definition = std::make_shared<model::Upstream>();
    definition->name = "shop/cart";
    definition->protocol = model::UpstreamProtocol::kHttp2;
    definition->limits.connections_max = 1;
    state_ = std::make_shared<UpstreamState>(definition);
    state_->publish({std::make_shared<Endpoint>()});
    pool_ = std::make_unique<OriginPool>(worker_, state_, nullptr);
    slot_ = pool_->slots()[0].get();
  }

  void TearDown() override {
    far_.fd.reset();
    run();
    pool_.reset();
    run();
  }

  // `serve`: by the recorder below; else the test reads and writes bytes itself.
  void connect(bool serve = true, const http2::Limits& limits = {}) {
    testing::SocketPair pair;
    ASSERT_TRUE(loop_.add(pair.near.get(), io::Loop::kBoth, placeholder_));
    far_.fd = std::move(pair.far);
    if (serve) server_ = std::make_unique<http2::ServerSession>(origin_, limits);
    far_.session = server_.get();
    slot_->connections = 1;
    ASSERT_TRUE(state_->connections().take_place());
    auto made =
        std::make_unique<OriginH2>(worker_, *pool_, *slot_, io::Stream(std::move(pair.near)));
    connection_ = made.get();
    slot_->multiplexed.push_back(connection_);
    made.release()->start();
    run();
  }

  // Moves bytes both ways until nothing moves.
  void run() {
    for (int quiet = 0; quiet < 3;) {
      loop_.turn(Duration::zero());
      quiet = far_.move() ? 0 : quiet + 1;
    }
  }
  void say(std::string_view bytes) {
    far_.say(bytes);
    run();
  }
  std::vector<frames::Frame> heard() { return frames::split(far_.take()); }

  static http::RequestHead head(std::string_view method = "GET") {
    http::RequestHead head;
    head.method = http::parse_method(method);
    head.method_text = method;
    head.scheme = "https";
    head.authority = "shop.example";
    head.target = "/cart";
    head.fields = {{"x-request-id", "7", FieldId::kXRequestId}};
    return head;
  }
  static http::RequestHead upgrade() {
    http::RequestHead made = head();
    made.protocol = "websocket";
    made.fields.push_back(
        {"sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==", FieldId::kSecWebsocketKey});
    return made;
  }
  void open(Receiver& receiver, const http::RequestHead& request, bool end = true) {
    ASSERT_TRUE(connection_->has_room());
    receiver.stream = connection_->open(receiver);
    receiver.stream->send_head(request, end);
    run();
  }
  Receiver& receiver_for_test() { return *receivers_.emplace_back(std::make_unique<Receiver>()); }
  bool is_gone() const { return slot_->multiplexed.empty(); }

  testing::OneWorker one_;
  WorkerContext& worker_ = one_.context;
  io::Loop& loop_ = one_.loop;
  testing::Placeholder placeholder_;
  std::shared_ptr<UpstreamState> state_;
  std::unique_ptr<OriginPool> pool_;
  Slot* slot_ = nullptr;
  OriginH2* connection_ = nullptr;
  testing::Peer far_;
  frames::ServerRecorder origin_;
  std::unique_ptr<http2::ServerSession> server_;
  std::vector<std::unique_ptr<Receiver>> receivers_;
};

TEST_F(OriginH2Test, CarriesARequestAndItsResponseWithBodiesAndTrailersBothWays) {
  connect();
  Receiver& receiver = receiver_for_test();
  http::RequestHead post = head("POST");
  post.framing = {http::Framing::Kind::kLength, 5, true};
  post.te_trailers = true;
  open(receiver, post, false);
  receiver.stream->send_body("hello", false);
  receiver.stream->send_trailers({{"x-sum", "12", FieldId::kOther}});
  run();
  const auto& seen = origin_.streams[1];
  EXPECT_EQ(seen.request.target, "/cart");
  EXPECT_EQ(seen.request.framing.length, 5U);
  EXPECT_TRUE(seen.request.te_trailers);
  EXPECT_EQ(seen.body, "hello");
  EXPECT_EQ(seen.trailers, "x-sum: 12\n");
  server_->submit_response(1, 200, {{"server", "x", FieldId::kServer}}, false);
  server_->send_body(1, "world", false);
  server_->submit_trailers(1, {{"grpc-status", "0", FieldId::kGrpcStatus}});
  run();
  EXPECT_EQ(receiver.status, 200);
  EXPECT_EQ(receiver.fields, "server: x\n");
  EXPECT_EQ(receiver.body, "world");
  EXPECT_EQ(receiver.trailers, "grpc-status: 0\n");
  EXPECT_TRUE(receiver.ended);
  EXPECT_FALSE(receiver.failure);
}

TEST_F(OriginH2Test, InterimResponsesComeBeforeTheFinalOneAndTheReceiverMayFlush) {
  connect();
  Receiver& receiver = receiver_for_test();
  open(receiver, head());
  server_->submit_interim(1, 103, {});
  run();
  EXPECT_EQ(receiver.interims, std::vector<int>{103});
  EXPECT_GE(receiver.idles, 1);
  server_->submit_response(1, 204, {}, true);
  run();
  EXPECT_EQ(receiver.status, 204);
  EXPECT_TRUE(receiver.ended);
}

TEST_F(OriginH2Test, RequestsShareAConnectionAndEndInAnyOrder) {
  connect();
  Receiver& first = receiver_for_test();
  Receiver& second = receiver_for_test();
  open(first, head());
  open(second, head());
  server_->submit_response(3, 200, {}, true);
  run();
  EXPECT_TRUE(second.ended);
  EXPECT_FALSE(first.ended);
  server_->submit_response(1, 200, {}, true);
  run();
  EXPECT_TRUE(first.ended);
  EXPECT_TRUE(connection_->has_room());
}

TEST_F(OriginH2Test, AWaitingRequestGetsTheRoomOfOneThatEnded) {
  http2::Limits limits;
  limits.concurrent_streams_max = 1;
  connect(true, limits);
  Receiver& first = receiver_for_test();
  Receiver& second = receiver_for_test();
  open(first, head());
  EXPECT_FALSE(connection_->has_room());
  Waiter waiter(second);
  OriginStream* none = nullptr;
  ASSERT_EQ(pool_->acquire(*slot_, waiter, none), OriginPool::Acquired::kWaiting);
  server_->release(1);
  server_->submit_response(1, 200, {}, true);
  run();
  EXPECT_TRUE(first.ended);
  EXPECT_NE(second.stream, nullptr);
  second.stream->cancel();
}

TEST_F(OriginH2Test, GoawayFailsWhatTheOriginDidNotProcessAndLetsTheRestEnd) {
  connect(false);
  frames::Hpack hpack;
  say(frames::settings());
  Receiver& first = receiver_for_test();
  Receiver& second = receiver_for_test();
  open(first, head());
  open(second, head());
  say(frames::goaway(1, http2::ErrorCode::kNoError));
  EXPECT_EQ(second.failure, OriginFailure::Kind::kRefused);
  EXPECT_TRUE(second.reused);
  EXPECT_FALSE(first.failure);
  EXPECT_FALSE(connection_->has_room());
  EXPECT_FALSE(is_gone());
  say(hpack.headers(1, {{":status", "200"}}, true));
  EXPECT_TRUE(first.ended);
  EXPECT_TRUE(is_gone());
}

TEST_F(OriginH2Test, ResetsSayWhetherTheRequestMayBeRepeated) {
  connect(false);
  frames::Hpack hpack;
  say(frames::settings());
  Receiver& refused = receiver_for_test();
  Receiver& reset = receiver_for_test();
  Receiver& broken = receiver_for_test();
  open(refused, head());
  open(reset, head());
  open(broken, head());
  say(frames::reset(1, http2::ErrorCode::kRefusedStream));
  say(frames::reset(3, http2::ErrorCode::kInternalError));
  say(hpack.headers(5, {{":status", "200"}, {"content-length", "2"}}, false) +
      frames::frame(frames::kData, frames::kEndStream, 5, "x"));
  EXPECT_EQ(refused.failure, OriginFailure::Kind::kRefused);
  EXPECT_EQ(reset.failure, OriginFailure::Kind::kReset);
  EXPECT_TRUE(reset.written);
  EXPECT_EQ(broken.failure, OriginFailure::Kind::kProtocol);
  EXPECT_EQ(broken.detail, "content shorter than content-length");
  EXPECT_TRUE(connection_->has_room());
}

TEST_F(OriginH2Test, APausedReceiverHoldsOneWindowAndNoOtherStream) {
  connect();
  Receiver& slow = receiver_for_test();
  Receiver& other = receiver_for_test();
  slow.pause_at = 1;
  open(slow, head());
  open(other, head());
  server_->submit_response(1, 200, {}, false);
  const std::string block(1 << 20, 'x');
  server_->send_body(1, block, true);
  run();
  EXPECT_EQ(slow.body.size(), http2::Limits{}.stream_window_bytes);
  server_->submit_response(3, 200, {}, false);
  server_->send_body(3, block, true);
  run();
  EXPECT_EQ(other.body.size(), block.size());
  EXPECT_TRUE(other.ended);
  slow.pause_at = 0;
  slow.stream->want_response_body(true);
  run();
  EXPECT_EQ(slow.body.size(), block.size());
  EXPECT_TRUE(slow.ended);
}

TEST_F(OriginH2Test, AnUploadWaitsInItsBufferUntilTheOriginReads) {
  connect();
  Receiver& receiver = receiver_for_test();
  open(receiver, head("POST"), false);
  receiver.stream->send_body(std::string(200'000, 'x'), false);
  run();
  EXPECT_EQ(origin_.streams[1].body.size(), http2::Limits{}.stream_window_bytes);
  EXPECT_GT(receiver.stream->buffered_bytes(), 100'000U);
  EXPECT_EQ(receiver.writables, 0);
  origin_.consumer = server_.get();
  server_->consume(1, origin_.streams[1].body.size());
  run();
  EXPECT_EQ(origin_.streams[1].body.size(), 200'000U);
  EXPECT_EQ(receiver.stream->buffered_bytes(), 0U);
  EXPECT_GE(receiver.writables, 1);
  receiver.stream->cancel();
}

TEST_F(OriginH2Test, CancelResetsTheStreamAtTheOriginAndKeepsTheConnection) {
  connect();
  Receiver& receiver = receiver_for_test();
  open(receiver, head());
  receiver.stream->cancel();
  run();
  ASSERT_TRUE(origin_.streams[1].reset);
  EXPECT_EQ(origin_.streams[1].reset->code, http2::ErrorCode::kCancel);
  EXPECT_TRUE(connection_->has_room());
}

TEST_F(OriginH2Test, AnAnswerThatEndsBeforeTheUploadEndsTheUpload) {
  connect();
  Receiver& receiver = receiver_for_test();
  open(receiver, head("POST"), false);
  receiver.stream->send_body("part", false);
  run();
  server_->submit_response(1, 413, {}, true);
  run();
  EXPECT_EQ(receiver.status, 413);
  EXPECT_TRUE(receiver.ended);
  EXPECT_FALSE(receiver.failure);
  EXPECT_EQ(origin_.streams[1].closes, 1);
}

TEST_F(OriginH2Test, AConnectionThatEndsFailsItsRequestsAndLeavesThePool) {
  connect(false);
  say(frames::settings());
  Receiver& first = receiver_for_test();
  Receiver& second = receiver_for_test();
  open(first, head());
  open(second, head());
  far_.fd.reset();
  run();
  EXPECT_EQ(first.failure, OriginFailure::Kind::kReset);
  EXPECT_FALSE(first.reused);
  EXPECT_TRUE(first.written);
  EXPECT_EQ(second.failure, OriginFailure::Kind::kReset);
  EXPECT_TRUE(second.reused);
  EXPECT_TRUE(is_gone());
  EXPECT_EQ(slot_->connections, 0U);
}

TEST_F(OriginH2Test, AnAnswerAndTheEndThatComeTogetherAreBothSeen) {
  connect(false);
  frames::Hpack hpack;
  say(frames::settings());
  Receiver& receiver = receiver_for_test();
  open(receiver, head());
  far_.say(hpack.headers(1, {{":status", "200"}}, true));
  ASSERT_EQ(::shutdown(far_.fd.get(), SHUT_WR), 0);
  run();
  EXPECT_TRUE(receiver.ended);
  EXPECT_FALSE(receiver.failure);
  EXPECT_TRUE(is_gone());
}

TEST_F(OriginH2Test, AnOriginThatSpeaksHttp1IsAProtocolFailure) {
  connect(false);
  Receiver& receiver = receiver_for_test();
  open(receiver, head());
  say("HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\nconnection: close\r\n\r\n");
  EXPECT_EQ(receiver.failure, OriginFailure::Kind::kProtocol);
  EXPECT_TRUE(is_gone());
}

TEST_F(OriginH2Test, AnUpgradeWaitsForTheOriginsSettingsAndComesBackAs101) {
  connect(false);
  Receiver& receiver = receiver_for_test();
  open(receiver, upgrade());
  for (const auto& frame : heard()) EXPECT_NE(frame.type, frames::kHeaders);
  frames::Hpack hpack;
  say(frames::setting(8, 1));
  bool asked = false;
  for (const auto& frame : heard()) asked = asked || frame.type == frames::kHeaders;
  EXPECT_TRUE(asked);
  say(hpack.headers(1, {{":status", "200"}}, false) + frames::frame(frames::kData, 0, 1, "hi"));
  EXPECT_EQ(receiver.status, 101);
  EXPECT_EQ(receiver.fields, "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\n");
  EXPECT_EQ(receiver.body, "hi");
  // One direction ends, the other goes on.
  say(frames::frame(frames::kData, frames::kEndStream, 1, ""));
  EXPECT_TRUE(receiver.ended);
  receiver.stream->send_body("bye", true);
  run();
  std::string sent;
  for (const auto& frame : heard())
    if (frame.type == frames::kData) sent += frame.payload;
  EXPECT_EQ(sent, "bye");
  EXPECT_EQ(receiver.failure, OriginFailure::Kind::kReset);  // what is left of it is of no use
}

TEST_F(OriginH2Test, AnOriginWithoutExtendedConnectRefusesAWebSocketClearly) {
  connect(false);
  say(frames::settings());
  Receiver& receiver = receiver_for_test();
  open(receiver, upgrade());
  EXPECT_EQ(receiver.failure, OriginFailure::Kind::kProtocol);
  EXPECT_EQ(receiver.detail, "the origin takes no extended CONNECT (RFC 8441)");
  EXPECT_FALSE(receiver.written);
  EXPECT_TRUE(connection_->has_room());
}

TEST_F(OriginH2Test, AConnectionThatIsToCloseEndsWithItsLastRequest) {
  connect();
  Receiver& receiver = receiver_for_test();
  open(receiver, head());
  connection_->close_when_done();
  EXPECT_FALSE(connection_->has_room());
  EXPECT_FALSE(is_gone());
  server_->submit_response(1, 200, {}, true);
  run();
  EXPECT_TRUE(receiver.ended);
  EXPECT_TRUE(is_gone());
}

TEST_F(OriginH2Test, AnIdleConnectionThatIsToCloseSaysGoaway) {
  connect();
  connection_->close_when_done();
  run();
  EXPECT_TRUE(is_gone());
  EXPECT_EQ(origin_.goaway_code, http2::ErrorCode::kNoError);
}

}  // namespace
}  // namespace headgate::proxy
