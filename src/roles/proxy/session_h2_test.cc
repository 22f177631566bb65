#include "roles/proxy/session_h2.h"

#include <gtest/gtest.h>

#include "roles/proxy/origin_h2.h"
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

// Client codec, SessionH2, exchanges, OriginH2, server codec: in one loop, over socket pairs.
class SessionH2Test : public ::testing::Test {
 protected:
  SessionH2Test() {
    auto upstream = std::make_shared<model::Upstream>();
    upstream->name = "shop/cart";
    upstream->protocol = model::UpstreamProtocol::kHttp2;
    auto state = std::make_shared<UpstreamState>(upstream);
    state->publish({std::make_shared<Endpoint>()});
    auto pool = std::make_shared<OriginPool>(one_.context, state, nullptr);
    connect_origin(*pool, *state);

    rule_->route = "HTTPRoute shop/cart";
    rule_->name = "0";
    rule_->backends = {{0, 1, {}}};
    rule_->weight_sum = 1;
    model::RouteEntry entry;
    entry.rule = rule_;
    model::Listener listener;
    listener.name = "Gateway shop/edge/http";
    listener.routes = model::build_route_table({entry});
    snapshot_->rules = 1;
    snapshot_->upstreams = {upstream};
    snapshot_->ports.resize(1);
    snapshot_->ports[0].listeners.push_back(std::move(listener));
    auto prepared = std::make_shared<Prepared>();
    prepared->snapshot = snapshot_;
    auto world = std::make_shared<WorkerSnapshot>();
    world->prepared = prepared;
    world->pools = {pool};
    world->rules = {&one_.stats.rule("HTTPRoute shop/cart/0")};
    view_.world = world;
    view_.port = &snapshot_->ports[0];
  }

  void connect_origin(OriginPool& pool, UpstreamState& state) {
    testing::SocketPair pair;
    ASSERT_TRUE(one_.loop.add(pair.near.get(), io::Loop::kBoth, placeholder_));
    Slot& slot = *pool.slots()[0];
    slot.connections = 1;
    ASSERT_TRUE(state.connections().take_place());
    auto made =
        std::make_unique<OriginH2>(one_.context, pool, slot, io::Stream(std::move(pair.near)));
    slot.multiplexed.push_back(made.get());
    made.release()->start();  // owns itself
    server_ = std::make_unique<http2::ServerSession>(origin_, http2::Limits{});
    origin_.consumer = server_.get();
    origin_peer_.fd = std::move(pair.far);
    origin_peer_.session = server_.get();
  }

  model::PortSettings& settings() { return snapshot_->ports[0].settings; }

  // `with_codec`: else the test says frames itself.
  void connect(bool with_codec = true) {
    testing::SocketPair pair;
    ConnectionFacts facts;
    facts.port = &view_;
    facts.peer_text = "192.0.2.7";
    client_peer_.fd = std::move(pair.far);
    if (with_codec) {
      client_ = std::make_unique<http2::ClientSession>(answers_, http2::Limits{});
      client_peer_.session = client_.get();
    }
    one_.sessions.start_h2(std::move(facts), io::Stream(std::move(pair.near)), {});
    if (!with_codec) say(std::string(frames::kPreface) + frames::settings());
    run();
  }
  void run() {
    for (int quiet = 0; quiet < 3;) {
      one_.loop.turn(Duration::zero());
      const bool moved = client_peer_.move() | origin_peer_.move();
      quiet = moved ? 0 : quiet + 1;
    }
  }
  void say(std::string_view bytes) {
    client_peer_.say(bytes);
    run();
  }
  http2::StreamId ask(const http::RequestHead& head, bool end = true) {
    const auto id = client_->submit_request(head, end);
    EXPECT_TRUE(id);
    run();
    return id.value_or(0);
  }
  static http::RequestHead head(std::string_view method = "GET", std::string_view path = "/") {
    return frames::Loopback::head(method, path);
  }

  void TearDown() override {
    one_.sessions.kill_all();
    view_.world.reset();
    for (int i = 0; i < 3; ++i) one_.loop.turn(Duration::zero());
    EXPECT_EQ(one_.sessions.count(), 0U);
    EXPECT_EQ(one_.exchanges.live_count(), 0U);
  }

  testing::OneWorker one_;
  testing::Placeholder placeholder_;
  std::shared_ptr<model::Snapshot> snapshot_ = std::make_shared<model::Snapshot>();
  std::shared_ptr<model::Rule> rule_ = std::make_shared<model::Rule>();
  PortView view_;
  frames::ServerRecorder origin_;
  std::unique_ptr<http2::ServerSession> server_;
  testing::Peer origin_peer_, client_peer_;
  frames::ClientRecorder answers_;
  std::unique_ptr<http2::ClientSession> client_;
};

TEST_F(SessionH2Test, ARequestGoesThroughAndItsAnswerComesBackWithTrailers) {
  connect();
  const auto id = ask(head("POST", "/cart?id=7"), false);
  client_->send_body(id, "ping", true);
  run();
  const auto& seen = origin_.streams.at(1);
  EXPECT_EQ(seen.request.target, "/cart?id=7");
  EXPECT_EQ(seen.body, "ping");
  server_->submit_interim(1, 103, {});
  server_->submit_response(1, 200, {{"server", "cart", FieldId::kServer}}, false);
  server_->send_body(1, "pong", false);
  server_->submit_trailers(1, {{"grpc-status", "0", FieldId::kGrpcStatus}});
  run();
  const auto& answer = answers_.streams.at(id);
  EXPECT_EQ(answer.interims, std::vector<int>{103});
  EXPECT_EQ(answer.response.status, 200);
  EXPECT_EQ(answer.body, "pong");
  EXPECT_EQ(answer.trailers, "grpc-status: 0\n");
  EXPECT_EQ(answer.closes, 1);
}

TEST_F(SessionH2Test, AStreamThatItsClientDoesNotReadHoldsNeitherOthersNorMoreThanItsBuffers) {
  connect();
  const auto slow = ask(head());
  const auto other = ask(head());
  const std::string block(1 << 20, 'x');
  for (const http2::StreamId id : {1, 3}) {
    server_->submit_response(id, 200, {}, false);
    for (int i = 0; i < 3; ++i) server_->send_body(id, block, i == 2);
  }
  answers_.consumer = nullptr;
  for (int i = 0; i < 2000 && answers_.streams[other].body.size() < 3 * block.size(); ++i) {
    run();
    client_->consume(other, answers_.streams[other].body.size());
  }
  EXPECT_EQ(answers_.streams[other].body.size(), 3 * block.size());
  EXPECT_EQ(answers_.streams[slow].body.size(), http2::Limits{}.stream_window_bytes);
  EXPECT_GT(server_->buffered_bytes(1), 2 * block.size());
  client_->reset(slow, http2::ErrorCode::kCancel);
  run();
  EXPECT_TRUE(origin_.streams[1].reset);
}

TEST_F(SessionH2Test, AnUploadStopsWhenTheOriginDoesNotReadAndGoesOnWhenItDoes) {
  connect();
  origin_.consumer = nullptr;
  const auto id = ask(head("POST"), false);
  for (int i = 0; i < 4; ++i) client_->send_body(id, std::string(1 << 20, 'x'), i == 3);
  run();
  EXPECT_GT(client_->buffered_bytes(id), 3U << 20);
  origin_.consumer = server_.get();
  server_->consume(1, origin_.streams[1].body.size());
  run();
  EXPECT_EQ(origin_.streams[1].body.size(), 4U << 20);
  EXPECT_EQ(origin_.streams[1].ends, 1);
}

TEST_F(SessionH2Test, AResetOfTheClientReachesTheOrigin) {
  connect();
  const auto id = ask(head());
  client_->reset(id, http2::ErrorCode::kCancel);
  run();
  ASSERT_TRUE(origin_.streams.at(1).reset);
  EXPECT_EQ(one_.exchanges.live_count(), 0U);
  EXPECT_EQ(one_.stats.client_aborts.value(), 1U);
}

TEST_F(SessionH2Test, AnAnswerThatTheOriginCutsIsResetForTheClient) {
  connect();
  const auto id = ask(head());
  server_->submit_response(1, 200, {}, false);
  server_->send_body(1, "half", false);
  run();
  server_->reset(1, http2::ErrorCode::kInternalError);
  run();
  ASSERT_TRUE(answers_.streams.at(id).reset);
  EXPECT_EQ(answers_.streams.at(id).reset->code, http2::ErrorCode::kInternalError);
}

TEST_F(SessionH2Test, AMalformedRequestIsAnsweredAndOthersGoOn) {
  connect(false);
  frames::Hpack hpack;
  frames::Pairs bad = frames::get_request();
  bad.emplace_back("X-Upper", "1");
  say(hpack.headers(1, bad, true));
  say(hpack.headers(3, frames::get_request(), true));
  EXPECT_EQ(origin_.order.size(), 1U);
  bool answered = false;
  for (const auto& frame : frames::split(client_peer_.take()))
    answered = answered || (frame.type == frames::kHeaders && frame.stream == 1);
  EXPECT_TRUE(answered);
  EXPECT_EQ(one_.stats.bad_requests.value(), 1U);
}

TEST_F(SessionH2Test, ATargetOverItsLimitIs414) {
  settings().target_bytes_max = 16;
  connect();
  const auto id = ask(head("GET", "/0123456789abcdef"));
  EXPECT_EQ(answers_.streams.at(id).response.status, 414);
  EXPECT_TRUE(origin_.order.empty());
}

TEST_F(SessionH2Test, ABodyThatBreaksItsLengthEndsTheRequestAtTheOrigin) {
  connect(false);
  frames::Hpack hpack;
  frames::Pairs post = frames::get_request();
  post[0].second = "POST";
  post.emplace_back("content-length", "9");
  say(hpack.headers(1, post, false));
  say(frames::frame(frames::kData, frames::kEndStream, 1, "short"));
  EXPECT_TRUE(origin_.streams.at(1).reset);
  EXPECT_EQ(one_.exchanges.live_count(), 0U);
}

TEST_F(SessionH2Test, RapidResetEndsTheConnectionAndAllItsWork) {
  connect(false);
  frames::Hpack hpack;
  std::string attack;
  for (http2::StreamId id = 1; id < 2001; id += 2)
    attack += hpack.headers(id, frames::get_request(), true) +
              frames::reset(id, http2::ErrorCode::kCancel);
  say(attack);
  EXPECT_EQ(one_.stats.floods.value(), 1U);
  EXPECT_EQ(one_.exchanges.live_count(), 0U);
  EXPECT_LE(origin_.order.size(), 201U);
  const auto got = frames::split(client_peer_.take());
  ASSERT_FALSE(got.empty());
  EXPECT_EQ(got.back().type, frames::kGoaway);
  EXPECT_EQ(frames::number_at(got.back().payload, 4),
            static_cast<std::uint32_t>(http2::ErrorCode::kEnhanceYourCalm));
  EXPECT_TRUE(client_peer_.ended);
}

TEST_F(SessionH2Test, DrainSaysGoawayTwiceAndServesWhatIsOpen) {
  connect(false);
  frames::Hpack hpack;
  say(hpack.headers(1, frames::get_request(), true));
  one_.sessions.drain(nullptr);
  run();
  std::string all = client_peer_.take();
  std::string ping;
  std::vector<std::uint32_t> lasts;
  for (const auto& frame : frames::split(all)) {
    if (frame.type == frames::kGoaway) lasts.push_back(frames::number_at(frame.payload, 0));
    if (frame.type == frames::kPing) ping = frame.payload;
  }
  EXPECT_EQ(lasts, std::vector<std::uint32_t>{0x7fffffff});
  ASSERT_EQ(ping.size(), 8U);
  say(frames::frame(frames::kPing, frames::kAck, 0, ping));
  lasts.clear();
  for (const auto& frame : frames::split(client_peer_.take()))
    if (frame.type == frames::kGoaway) lasts.push_back(frames::number_at(frame.payload, 0));
  EXPECT_EQ(lasts, std::vector<std::uint32_t>{1});
  EXPECT_FALSE(client_peer_.ended);
  server_->submit_response(1, 200, {}, true);
  run();
  client_peer_.take();
  EXPECT_TRUE(client_peer_.ended);
}

TEST_F(SessionH2Test, ARequestThatComesWithTheAnswerToTheDrainsPingIsServed) {
  connect(false);
  frames::Hpack hpack;
  one_.sessions.drain(nullptr);
  run();
  std::string ping;
  for (const auto& frame : frames::split(client_peer_.take()))
    if (frame.type == frames::kPing) ping = frame.payload;
  ASSERT_EQ(ping.size(), 8U);
  say(frames::frame(frames::kPing, frames::kAck, 0, ping) +
      hpack.headers(1, frames::get_request(), true));
  ASSERT_EQ(origin_.order.size(), 1U);
  EXPECT_FALSE(origin_.streams.at(1).reset);
  server_->submit_response(1, 204, {}, true);
  run();
  const auto got = frames::split(client_peer_.take());
  ASSERT_EQ(got.size(), 2U);
  EXPECT_EQ(got[0].type, frames::kGoaway);
  EXPECT_EQ(frames::number_at(got[0].payload, 0), 1U);
  EXPECT_EQ(got[1].type, frames::kHeaders);
  EXPECT_TRUE(client_peer_.ended);
}

TEST_F(SessionH2Test, TheLastRequestOfAConnectionIsServedBeforeGoaway) {
  settings().requests_per_connection_max = 1;
  connect();
  const auto id = ask(head());
  EXPECT_TRUE(answers_.goaway_last);
  server_->submit_response(1, 204, {}, true);
  run();
  EXPECT_EQ(answers_.streams.at(id).response.status, 204);
  EXPECT_TRUE(client_peer_.ended);
}

TEST_F(SessionH2Test, AWebSocketGoesThroughAsATunnelThatEndsOneDirectionAtATime) {
  connect();
  http::RequestHead connect_head = head("CONNECT", "/chat");
  connect_head.protocol = "websocket";
  const auto id = ask(connect_head, false);
  client_->send_body(id, "early", false);
  run();
  EXPECT_EQ(origin_.streams.at(1).request.protocol, "websocket");
  EXPECT_EQ(origin_.streams.at(1).body, "");
  server_->submit_response(1, 200, {}, false);
  server_->send_body(1, "hello", true);
  run();
  EXPECT_EQ(answers_.streams.at(id).response.status, 200);
  EXPECT_EQ(answers_.streams.at(id).body, "hello");
  EXPECT_EQ(origin_.streams.at(1).body, "early");
  client_->send_body(id, " late", true);
  run();
  EXPECT_EQ(origin_.streams.at(1).body, "early late");
  EXPECT_EQ(one_.exchanges.live_count(), 0U);
}

TEST_F(SessionH2Test, AClientThatGoesAwayEndsAllItsRequests) {
  connect();
  ask(head());
  ask(head());
  EXPECT_EQ(one_.exchanges.live_count(), 2U);
  client_peer_.fd.reset();
  run();
  EXPECT_EQ(one_.exchanges.live_count(), 0U);
  EXPECT_TRUE(origin_.streams.at(1).reset);
  EXPECT_TRUE(origin_.streams.at(3).reset);
}

}  // namespace
}  // namespace headgate::proxy
