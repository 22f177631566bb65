// Both ends against each other, in memory.
#include <gtest/gtest.h>

#include <map>
#include <set>

#include "wire/http2/testing/frames.h"
#include "wire/http2/testing/recorders.h"

namespace headgate::wire::http2 {
namespace {

using testing::Exchange;
using testing::Loopback;

http::Field field(std::string_view name, std::string_view value) {
  return {name, value, http::field_id(name)};
}

TEST(Http2Session, CarriesARequestAndItsResponse) {
  Loopback l;
  auto head = Loopback::head("GET", "/cart?id=7");
  head.fields = {field("Accept", "text/html"), field("X-Odd", "v"), field("Connection", "x-odd"),
                 field("host", "other")};
  const auto id = l.client.submit_request(head, true);
  ASSERT_TRUE(id);
  l.run();
  const Exchange& in = l.at_server.streams.at(*id);
  EXPECT_EQ(in.request.method, http::Method::kGet);
  EXPECT_EQ(in.request.authority, "shop.example");
  EXPECT_EQ(in.request.target, "/cart?id=7");
  EXPECT_EQ(in.request.scheme, "https");
  EXPECT_EQ(in.request.version, http::Version::k2);
  ASSERT_EQ(in.request.fields.size(), 2u);
  EXPECT_EQ(in.request.fields[0].id, http::FieldId::kAccept);
  EXPECT_EQ(in.request.fields[1].name, "x-odd");
  EXPECT_EQ(in.ends, 1);

  l.server.submit_response(
      *id, 200, {field("Content-Length", "5"), field("transfer-encoding", "chunked")}, false);
  EXPECT_EQ(l.server.send_body(*id, "hello", true), 5u);
  l.run();
  const Exchange& out = l.at_client.streams.at(*id);
  EXPECT_EQ(out.response.status, 200);
  ASSERT_EQ(out.response.fields.size(), 1u);
  EXPECT_EQ(out.response.framing.length, 5u);
  EXPECT_EQ(out.body, "hello");
  EXPECT_EQ(out.ends, 1);
  EXPECT_EQ(out.closes, 1);
  EXPECT_FALSE(out.reset);
  EXPECT_EQ(l.at_server.streams.at(*id).closes, 1);
  EXPECT_EQ(l.server.unreleased(), 1u);
  l.server.release(*id);
  EXPECT_EQ(l.server.unreleased(), 0u);
  EXPECT_EQ(l.server.open_streams(), 0u);
}

TEST(Http2Session, HeadTakenOutOfItsEventStaysValid) {
  Loopback l;
  const auto id = l.client.submit_request(Loopback::head("GET", "/a/long/enough/path"), true);
  l.run();
  ASSERT_TRUE(l.client.submit_request(Loopback::head("GET", "/other"), true));
  l.run();
  EXPECT_EQ(l.at_server.streams.at(*id).request.target, "/a/long/enough/path");
}

TEST(Http2Session, CarriesInterimResponsesBodiesAndTrailersBothWays) {
  Loopback l;
  auto head = Loopback::head("POST", "/upload");
  head.te_trailers = true;
  const StreamId id = *l.client.submit_request(head, false);
  l.client.send_body(id, "abc", false);
  l.run();
  EXPECT_TRUE(l.at_server.streams.at(id).request.te_trailers);
  l.server.submit_interim(id, 100, {});
  l.server.submit_interim(id, 103, {field("link", "</a.css>; rel=preload")});
  l.run();
  EXPECT_EQ(l.at_client.streams.at(id).interims, (std::vector<int>{100, 103}));
  l.client.send_body(id, "def", false);
  l.client.submit_trailers(
      id, {field("x-sum", "1"), field("content-length", "9"), field("authorization", "no")});
  l.run();
  EXPECT_EQ(l.at_server.streams.at(id).body, "abcdef");
  EXPECT_EQ(l.at_server.streams.at(id).trailers, "x-sum: 1\n");
  EXPECT_EQ(l.at_server.streams.at(id).ends, 1);
  l.server.submit_response(id, 200, {}, false);
  l.server.submit_trailers(id, {field("grpc-status", "0")});
  std::string bytes;
  l.server.take_output(bytes, 1 << 20);
  for (const auto& frame : testing::split(bytes))
    EXPECT_NE(frame.type, testing::kData) << "empty DATA before trailers";
  ASSERT_TRUE(l.client.feed(bytes, l.now));
  EXPECT_EQ(l.at_client.streams.at(id).trailers, "grpc-status: 0\n");
  EXPECT_EQ(l.at_client.streams.at(id).closes, 1);
}

TEST(Http2Session, TrailersFollowTheBodyThatIsStillBuffered) {
  Loopback l;
  const StreamId id = *l.client.submit_request(Loopback::head(), true);
  l.run();
  l.server.submit_response(id, 200, {}, false);
  l.server.send_body(id, std::string(60000, 'b'), false);
  l.server.submit_trailers(id, {field("x-end", "1")});
  l.run();
  EXPECT_EQ(l.at_client.streams.at(id).body.size(), 60000u);
  EXPECT_EQ(l.at_client.streams.at(id).trailers, "x-end: 1\n");
}

TEST(Http2Session, FramesOfAllReadyStreamsLeaveInOneBuffer) {
  Loopback l;
  std::vector<StreamId> ids;
  for (int i = 0; i < 32; ++i) ids.push_back(*l.client.submit_request(Loopback::head(), true));
  l.run();
  for (const StreamId id : ids) {
    l.server.submit_response(id, 200, {}, false);
    l.server.send_body(id, "hello", true);
  }
  std::string bytes;
  l.server.take_output(bytes, 1 << 20);
  EXPECT_FALSE(l.server.wants_write());
  EXPECT_EQ(testing::split(bytes).size(), 64u);
}

TEST(Http2Session, OutputStopsAtTheMaximumOfTheCaller) {
  Loopback l;
  const StreamId id = *l.client.submit_request(Loopback::head(), true);
  l.run();
  l.server.submit_response(id, 200, {}, false);
  l.server.send_body(id, std::string(65000, 'x'), true);
  std::string bytes;
  l.server.take_output(bytes, 10);
  EXPECT_LE(bytes.size(), 10 + kFrameBytesMax + 9);
  EXPECT_TRUE(l.server.wants_write());
}

TEST(Http2Session, ExtendedConnectWorksOnceTheServerSaidSo) {
  Loopback l;
  auto head = Loopback::head("CONNECT", "/chat");
  head.protocol = "websocket";
  const auto early = l.client.submit_request(head, false);
  ASSERT_FALSE(early);
  EXPECT_EQ(early.error().code, Code::kInvalid);
  l.run();
  ASSERT_TRUE(l.at_client.settings);
  EXPECT_TRUE(l.at_client.settings->extended_connect);
  EXPECT_EQ(l.at_client.settings->concurrent_streams_max, 100u);
  const auto id = l.client.submit_request(head, false);
  ASSERT_TRUE(id);
  l.run();
  EXPECT_EQ(l.at_server.streams.at(*id).request.protocol, "websocket");
  EXPECT_EQ(l.at_server.streams.at(*id).request.target, "/chat");
  l.server.submit_response(*id, 200, {}, false);
  l.server.send_body(*id, "ping", false);
  l.client.send_body(*id, "pong", false);
  l.run();
  EXPECT_EQ(l.at_client.streams.at(*id).body, "ping");
  EXPECT_EQ(l.at_server.streams.at(*id).body, "pong");
}

TEST(Http2Session, ATunnelGoesOnInOneDirectionWhenTheOtherHasEnded) {
  Loopback l;
  l.run();
  auto head = Loopback::head("CONNECT", "/chat");
  head.protocol = "websocket";
  const StreamId id = *l.client.submit_request(head, false);
  l.run();
  l.server.submit_response(id, 200, {}, false);
  l.server.send_body(id, "last words", true);
  l.run();
  EXPECT_EQ(l.at_client.streams.at(id).ends, 1);
  l.client.send_body(id, "still here", true);
  l.run();
  EXPECT_EQ(l.at_server.streams.at(id).body, "still here");
  EXPECT_FALSE(l.at_server.streams.at(id).reset);
  EXPECT_EQ(l.at_server.streams.at(id).closes, 1);
}

TEST(Http2Session, EarlyResponseEndsTheRequestWithoutAnError) {  // notes row 11
  Loopback l;
  const StreamId id = *l.client.submit_request(Loopback::head("POST"), false);
  l.client.send_body(id, "part", false);
  l.run();
  l.server.submit_response(id, 413, {}, false);
  l.server.send_body(id, "too large", true);
  l.run();
  EXPECT_EQ(l.at_client.streams.at(id).response.status, 413);
  EXPECT_EQ(l.at_client.streams.at(id).body, "too large");
  EXPECT_EQ(l.at_client.streams.at(id).closes, 1);
  EXPECT_FALSE(l.at_server.streams.at(id).reset);
  EXPECT_EQ(l.at_server.streams.at(id).closes, 1);
  EXPECT_EQ(l.server.stats().resets_by_peer_fault, 0u);
}

TEST(Http2Session, ResetOfOneEndIsToldToTheOther) {
  Loopback l;
  const StreamId a = *l.client.submit_request(Loopback::head(), true);
  const StreamId b = *l.client.submit_request(Loopback::head(), true);
  l.run();
  l.client.reset(a, ErrorCode::kCancel);
  l.server.reset(b, ErrorCode::kInternalError);
  l.run();
  EXPECT_EQ(l.at_server.streams.at(a).reset->code, ErrorCode::kCancel);
  EXPECT_EQ(l.at_client.streams.at(b).reset->code, ErrorCode::kInternalError);
  EXPECT_FALSE(l.at_client.streams.at(b).reset->unprocessed);
  EXPECT_FALSE(l.at_client.streams.at(a).reset);
  EXPECT_EQ(l.at_client.streams.at(a).closes, 1);
  EXPECT_EQ(l.at_server.streams.at(b).closes, 1);
  EXPECT_EQ(l.server.send_body(b, "late", false), 0u);
}

TEST(Http2Session, ResetBeforeTheRequestLeftIsSilent) {
  Loopback l;
  const StreamId id = *l.client.submit_request(Loopback::head(), true);
  l.client.reset(id, ErrorCode::kCancel);
  l.run();
  EXPECT_TRUE(l.at_server.streams.empty());
  EXPECT_EQ(l.at_client.streams.at(id).closes, 1);
  EXPECT_EQ(l.client.open_streams(), 0u);
}

TEST(Http2Session, RefusedStreamMayBeRetried) {
  Loopback l;
  const StreamId id = *l.client.submit_request(Loopback::head(), true);
  l.run();
  l.server.reset(id, ErrorCode::kRefusedStream);
  l.run();
  EXPECT_TRUE(l.at_client.streams.at(id).reset->unprocessed);
}

TEST(Http2Session, ClientKeepsToTheSmallerOfBothStreamLimits) {
  Limits few;
  few.concurrent_streams_max = 2;
  Loopback l(few);
  l.run();
  ASSERT_TRUE(l.client.submit_request(Loopback::head(), true));
  ASSERT_TRUE(l.client.submit_request(Loopback::head(), true));
  EXPECT_FALSE(l.client.can_open());
  const auto third = l.client.submit_request(Loopback::head(), true);
  ASSERT_FALSE(third);
  EXPECT_EQ(third.error().code, Code::kExhausted);
  EXPECT_TRUE(third.error().retry_safe);
}

TEST(Http2Session, DrainServesWhatRacedAndThenIsOver) {  // notes row 26
  Loopback l;
  const StreamId first = *l.client.submit_request(Loopback::head(), true);
  l.run();
  const StreamId raced = *l.client.submit_request(Loopback::head(), true);
  l.server.begin_drain();
  l.run();
  EXPECT_EQ(l.at_client.goaway_last, 0x7fffffff);
  EXPECT_FALSE(l.client.can_open());
  EXPECT_EQ(l.client.submit_request(Loopback::head(), true).error().code, Code::kUnavailable);
  EXPECT_EQ(l.at_server.pings, (std::vector<std::uint64_t>{ServerSession::kDrainPing}));
  EXPECT_EQ(l.at_server.streams.at(raced).heads, 1);
  l.server.finish_drain();
  l.run();
  EXPECT_EQ(l.at_client.goaway_last, raced);
  EXPECT_FALSE(l.server.is_over());
  for (const StreamId id : {first, raced}) l.server.submit_response(id, 204, {}, true);
  l.run();
  EXPECT_EQ(l.at_client.streams.at(raced).response.status, 204);
  EXPECT_TRUE(l.server.is_over());
  EXPECT_TRUE(l.client.is_over());
}

std::uint32_t last_stream_of(const std::string& output) {
  std::uint32_t last = 0;
  for (const auto& frame : testing::split(output))
    if (frame.type == testing::kGoaway) last = testing::number_at(frame.payload, 0);
  return last;
}

TEST(Http2Session, ARequestBetweenTheOrderToFixTheLastStreamAndItsGoawayIsServed) {
  testing::BareServer s;
  testing::Hpack hpack;
  s.session.begin_drain();
  s.take();
  s.session.finish_drain();
  EXPECT_TRUE(s.session.wants_write());
  // A client with two threads may have sent it behind its answer to our PING.
  ASSERT_TRUE(s.feed(hpack.headers(1, testing::get_request(), true)));
  EXPECT_EQ(last_stream_of(s.take()), 1u);
  EXPECT_EQ(s.events.streams.at(1).heads, 1);
  EXPECT_FALSE(s.events.streams.at(1).reset);
  EXPECT_FALSE(s.session.is_over());
  s.session.submit_response(1, 204, {}, true);
  s.take();
  EXPECT_TRUE(s.session.is_over());
}

TEST(Http2Session, TheLastStreamIsNamedInTheNextOutputHoweverLittleRoomThatHas) {
  testing::BareServer s;
  testing::Hpack hpack;
  ASSERT_TRUE(s.feed(hpack.headers(1, testing::get_request(), true)));
  s.take();
  const std::string value(3000, 'a');
  s.session.submit_response(1, 200, {field("x-long", value)}, false);
  s.session.send_body(1, std::string(30'000, 'b'), true);
  s.session.begin_drain();
  s.session.finish_drain();
  std::string out;
  s.session.take_output(out, 1);
  EXPECT_EQ(last_stream_of(out), 1u);
  EXPECT_EQ(testing::split(out).back().type, testing::kGoaway) << "bodies wait";
}

TEST(Http2Session, IdleSessionIsNotOverWhileItsDrainIsAnnounced) {
  Loopback l;
  l.run();
  l.server.begin_drain();
  l.run();
  EXPECT_FALSE(l.server.is_over());
  l.server.finish_drain();
  l.run();
  EXPECT_TRUE(l.server.is_over());
}

TEST(Http2Session, GoawayTellsWhichRequestsWereNotProcessed) {  // notes row 7
  testing::ClientRecorder events;
  ClientSession client(events, {});
  const StreamId low = *client.submit_request(Loopback::head("POST"), true);
  const StreamId high = *client.submit_request(Loopback::head("POST"), true);
  std::string out;
  client.take_output(out, 1 << 20);
  const StreamId unsent = *client.submit_request(Loopback::head("POST"), true);
  ASSERT_TRUE(client.feed(testing::settings() + testing::goaway(low, ErrorCode::kNoError), {}));
  client.take_output(out, 1 << 20);
  EXPECT_FALSE(events.streams[low].reset);
  EXPECT_TRUE(events.streams.at(high).reset->unprocessed);
  EXPECT_TRUE(events.streams.at(unsent).reset->unprocessed);
  EXPECT_EQ(events.streams.at(unsent).closes, 1);
  EXPECT_EQ(client.open_streams(), 1u);
}

TEST(Http2Session, TellsAtEveryByteWhichHeadOrFrameIsUnfinished) {
  testing::Hpack hpack;
  const std::string block = hpack.block(testing::get_request());
  const std::string_view half = std::string_view(block).substr(0, block.size() / 2);
  const std::string_view rest = std::string_view(block).substr(block.size() / 2);
  struct Piece {
    std::string bytes;
    int thing;  // what is unfinished inside it, 0 for nothing
    bool open;  // also behind its last byte
  };
  using testing::frame;
  const std::string data = frame(testing::kData, 0, 1, "body");
  const std::vector<Piece> pieces = {
      {frame(testing::kHeaders, 0, 1, half), 1, true},
      {frame(testing::kContinuation, 0, 1, ""), 1, true},
      {frame(testing::kContinuation, testing::kEndHeaders, 1, rest), 1, false},
      {data.substr(0, 9), 2, false},
      {data.substr(9), 0, false},
      {frame(testing::kPing, 0, 0, "12345678"), 3, false},
      {hpack.headers(3, testing::get_request(), true), 4, false},
      {hpack.headers(5, testing::get_request(), true), 5, false},
  };
  testing::BareServer s;
  EXPECT_EQ(s.session.unfinished_input(), 0u);
  std::map<int, std::uint64_t> numbers = {{0, 0}};
  for (const Piece& piece : pieces) {
    for (std::size_t i = 0; i < piece.bytes.size(); ++i) {
      const Status fed = s.feed(std::string_view(piece.bytes).substr(i, 1));
      ASSERT_TRUE(fed) << fed.error().message << ", thing " << piece.thing << ", byte " << i;
      const int thing = i + 1 < piece.bytes.size() || piece.open ? piece.thing : 0;
      const std::uint64_t number = s.session.unfinished_input();
      const auto [known, is_new] = numbers.emplace(thing, number);
      EXPECT_EQ(known->second, number) << "thing " << thing << ", byte " << i;
    }
  }
  std::set<std::uint64_t> different;
  for (const auto& [thing, number] : numbers) different.insert(number);
  EXPECT_EQ(different.size(), 6u) << "no two share a number";
}

TEST(Http2Session, TerminateSendsGoawayAndNothingAfterIt) {
  Loopback l;
  const StreamId id = *l.client.submit_request(Loopback::head(), true);
  l.run();
  l.server.submit_response(id, 200, {}, false);
  l.server.terminate(ErrorCode::kNoError);
  std::string bytes;
  l.server.take_output(bytes, 1 << 20);
  const auto frames = testing::split(bytes);
  ASSERT_FALSE(frames.empty());
  EXPECT_EQ(frames.back().type, testing::kGoaway);
  EXPECT_TRUE(l.server.is_over());
  EXPECT_FALSE(l.server.wants_write());
  EXPECT_FALSE(l.server.feed("x", l.now));
}

TEST(Http2Session, ClosedOrUnknownStreamsTakeNothing) {
  Loopback l;
  l.run();
  EXPECT_EQ(l.server.send_body(7, "x", true), 0u);
  l.server.submit_response(7, 200, {}, true);
  l.server.submit_trailers(7, {});
  l.server.reset(7, ErrorCode::kCancel);
  l.server.consume(7, 100);
  l.server.release(7);
  EXPECT_FALSE(l.server.wants_write());
}

TEST(Http2Session, IdleSessionIsSmall) {
  Loopback l;
  l.run();
  for (int i = 0; i < 50; ++i) {
    const StreamId id = *l.client.submit_request(Loopback::head(), true);
    l.run();
    l.server.submit_response(id, 200, {}, true);
    l.run();
    l.server.release(id);
  }
  EXPECT_LE(l.server.memory_bytes(), 32u * 1024) << "bytes of an idle server session";
  RecordProperty("server_session_bytes", static_cast<int>(l.server.memory_bytes()));
}

}  // namespace
}  // namespace headgate::wire::http2
