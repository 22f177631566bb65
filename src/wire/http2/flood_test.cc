// Each known HTTP/2 flood, by hand, named after its CVE (notes rows 23, 24, 25): the connection
// ends, memory stays bounded, and honest traffic of the same kind passes.
#include <gtest/gtest.h>

#include <functional>

#include "wire/http2/testing/frames.h"
#include "wire/http2/testing/recorders.h"

namespace headgate::wire::http2 {
namespace {

using testing::BareServer;
using testing::get_request;
using testing::Hpack;
using testing::Loopback;
using testing::Pairs;

// Feeds what `make` gives, up to `times`, draining output; the number of pieces taken before the
// connection died.
int flood(BareServer& s, int times, const std::function<std::string(int)>& make) {
  for (int i = 0; i < times; ++i) {
    if (!s.feed(make(i)) || s.session.is_over()) return i;
    s.output += s.take();
    if (s.session.is_over()) return i;
  }
  return times;
}

void expect_calm(BareServer& s, Flood kind) {
  ASSERT_TRUE(s.events.flood) << "no flood was told";
  EXPECT_EQ(*s.events.flood, kind) << to_string(*s.events.flood);
  s.output += s.take();
  bool goaway = false;
  for (const auto& f : testing::split(s.output))
    goaway |=
        f.type == testing::kGoaway &&
        testing::number_at(f.payload, 4) == static_cast<std::uint32_t>(ErrorCode::kEnhanceYourCalm);
  EXPECT_TRUE(goaway);
  EXPECT_TRUE(s.session.is_over());
  EXPECT_FALSE(s.session.wants_write());
  EXPECT_FALSE(s.feed("more"));
}

TEST(Http2Flood, RapidResetCve202344487EndsTheConnection) {
  BareServer s;
  Hpack hpack;
  const int taken = flood(s, 10000, [&](int i) {
    const StreamId id = 2 * i + 1;
    return hpack.headers(id, get_request(), true) + testing::reset(id, ErrorCode::kCancel);
  });
  EXPECT_LE(taken, 200);
  EXPECT_LE(s.session.unreleased(), Limits{}.concurrent_streams_max);
  ASSERT_TRUE(s.events.flood);
}

TEST(Http2Flood, RapidResetCve202344487StartsNoMoreWorkThanTheStreamLimit) {
  BareServer s;
  Hpack hpack;
  int delivered = 0;
  for (int i = 0; i < 150; ++i) {
    const StreamId id = 2 * i + 1;
    ASSERT_TRUE(
        s.feed(hpack.headers(id, get_request(), true) + testing::reset(id, ErrorCode::kCancel)));
    s.take();
  }
  for (const auto& [id, e] : s.events.streams) delivered += e.heads;
  EXPECT_EQ(delivered, 100);
  EXPECT_EQ(s.session.unreleased(), 100u);
  EXPECT_EQ(s.session.stats().refused_streams, 50u);
  s.session.release(1);
  ASSERT_TRUE(s.feed(hpack.headers(401, get_request(), true)));
  EXPECT_EQ(s.events.streams[401].heads, 1) << "a released stream makes room";
}

TEST(Http2Flood, ResetsAtAnHonestPaceAreFine) {
  BareServer s;
  Hpack hpack;
  for (int i = 0; i < 1000; ++i) {
    const StreamId id = 2 * i + 1;
    s.now = s.now + 100ms;
    ASSERT_TRUE(
        s.feed(hpack.headers(id, get_request(), true) + testing::reset(id, ErrorCode::kCancel)))
        << i;
    s.session.release(id);
    s.take();
  }
}

TEST(Http2Flood, MadeYouResetCve20258671EndsTheConnection) {
  BareServer s;
  Hpack hpack;
  flood(s, 10000, [&](int i) {
    const StreamId id = 2 * i + 1;
    s.session.release(id - 2);
    return hpack.headers(id, get_request(), true) + testing::window_update(id, 0x7fffffff);
  });
  expect_calm(s, Flood::kResets);
}

TEST(Http2Flood, MadeYouResetByMessageRulesIsChargedToo) {
  BareServer s;
  Hpack hpack;
  flood(s, 10000, [&](int i) {
    const StreamId id = 2 * i + 1;
    s.session.release(id - 2);
    Pairs pairs = get_request();
    pairs.push_back({"content-length", "1"});
    return hpack.headers(id, pairs, false) + testing::frame(testing::kData, 0, id, "xx");
  });
  expect_calm(s, Flood::kResets);
}

TEST(Http2Flood, MadeYouResetStreamCountsUntilItIsReleased) {
  BareServer s;
  Hpack hpack;
  ASSERT_TRUE(
      s.feed(hpack.headers(1, get_request(), true) + testing::window_update(1, 0x7fffffff)));
  s.take();
  EXPECT_TRUE(s.events.streams[1].reset);
  EXPECT_EQ(s.events.streams[1].closes, 1);
  EXPECT_EQ(s.session.unreleased(), 1u);
  s.session.release(1);
  s.session.release(1);
  EXPECT_EQ(s.session.unreleased(), 0u);
}

TEST(Http2Flood, ResetsThatTheOwnerWantsAreNotCharged) {
  BareServer s;
  Hpack hpack;
  for (int i = 0; i < 1000; ++i) {
    const StreamId id = 2 * i + 1;
    ASSERT_TRUE(s.feed(hpack.headers(id, get_request(), true)));
    s.session.reset(id, ErrorCode::kInternalError);
    s.session.release(id);
    s.take();
  }
  EXPECT_EQ(s.session.stats().resets_by_peer_fault, 0u);
}

TEST(Http2Flood, ContinuationFloodCve202427316EndsTheConnection) {
  BareServer s;
  ASSERT_TRUE(s.feed(testing::frame(testing::kHeaders, 0, 1, Hpack().block(get_request()))));
  const int taken =
      flood(s, 10000, [&](int) { return testing::frame(testing::kContinuation, 0, 1, ""); });
  EXPECT_EQ(taken, static_cast<int>(Limits{}.continuations_max));
  expect_calm(s, Flood::kContinuations);
}

TEST(Http2Flood, HpackBombCve20161544EndsTheConnection) {
  BareServer s;
  Hpack hpack;
  Pairs bomb = get_request();
  for (int i = 0; i < 200; ++i) bomb.push_back({"x-bomb", std::string(2500, 'b')});
  const std::string block = hpack.block(bomb);
  ASSERT_LT(block.size(), kFrameBytesMax) << "a small block that grows";
  const std::size_t before = s.session.memory_bytes();
  (void)s.feed(
      testing::frame(testing::kHeaders, testing::kEndHeaders | testing::kEndStream, 1, block));
  EXPECT_LT(s.session.memory_bytes(), before + 64 * 1024);
  expect_calm(s, Flood::kContinuations);
}

TEST(Http2Flood, EmptyHeadersCve20199516AreCountedAgainstTheLimits) {
  BareServer s;
  Pairs pairs = get_request();
  for (int i = 0; i < 500; ++i) pairs.push_back({"x", ""});
  ASSERT_TRUE(s.feed(Hpack().headers(1, pairs, true)));
  EXPECT_EQ(s.events.streams[1].bad_status, 431);
}

TEST(Http2Flood, PingFloodCve20199512EndsTheConnection) {
  BareServer s;
  EXPECT_LE(flood(s, 10000, [](int) { return testing::frame(testing::kPing, 0, 0, "12345678"); }),
            200);
  expect_calm(s, Flood::kPings);
}

TEST(Http2Flood, PingsOfABandwidthProbeAreFine) {
  BareServer s;
  Hpack hpack;
  ASSERT_TRUE(s.feed(testing::setting(4, 1 << 30) + testing::window_update(0, 1 << 30) +
                     hpack.headers(1, get_request(), true)));
  s.session.submit_response(1, 200, {}, false);
  for (int i = 0; i < 1000; ++i) {
    s.session.send_body(1, std::string(100, 'x'), false);
    s.take();
    ASSERT_TRUE(s.feed(testing::frame(testing::kPing, 0, 0, "12345678"))) << i;
  }
}

TEST(Http2Flood, UnreadAcksAreBounded) {  // CVE-2019-9517 in small: the peer does not read
  Limits limits;
  limits.acks_queued_max = 250;
  limits.floods.pings = 250;
  BareServer s(limits);
  std::string pings;
  for (int i = 0; i < 250; ++i) pings += testing::frame(testing::kPing, 0, 0, "12345678");
  EXPECT_FALSE(s.feed(pings + testing::setting(4, 70000) + testing::setting(4, 70000) +
                      testing::setting(4, 70000)));
  expect_calm(s, Flood::kAcks);
}

TEST(Http2Flood, PriorityFloodCve20199513EndsTheConnection) {
  BareServer s;
  flood(s, 10000, [](int i) {
    return testing::frame(testing::kPriority, 0, 2 * (i % 100) + 1, std::string(4, '\0') + '\x10');
  });
  expect_calm(s, Flood::kPriority);
}

TEST(Http2Flood, ResetFloodCve20199514EndsTheConnection) {
  BareServer s;
  Hpack hpack;
  // HEADERS on a half-closed stream ask for RST_STREAM in answer.
  flood(s, 10000, [&](int i) {
    const StreamId id = 2 * i + 1;
    s.session.release(id - 2);
    return hpack.headers(id, get_request(), true) + hpack.headers(id, get_request(), true);
  });
  EXPECT_TRUE(s.session.is_over());
}

TEST(Http2Flood, SettingsFloodCve20199515EndsTheConnection) {
  BareServer s;
  EXPECT_LE(flood(s, 10000, [](int) { return testing::settings(); }), 32);
  expect_calm(s, Flood::kSettings);
}

TEST(Http2Flood, EmptyDataFloodCve20199518EndsTheConnection) {
  for (const bool padded : {false, true}) {
    BareServer s;
    ASSERT_TRUE(s.feed(Hpack().headers(1, get_request(), false)));
    const std::string data =
        padded ? testing::frame(testing::kData, testing::kPadded, 1, std::string("\2\0\0", 3))
               : testing::frame(testing::kData, 0, 1, "");
    EXPECT_LE(flood(s, 10000, [&](int) { return data; }), 101);
    expect_calm(s, Flood::kEmptyData);
  }
}

TEST(Http2Flood, WindowUpdateFloodEndsTheConnection) {
  BareServer s;
  flood(s, 10000, [](int) { return testing::window_update(0, 1); });
  expect_calm(s, Flood::kWindowUpdates);
}

TEST(Http2Flood, DataDribbleCve20199511EndsTheConnection) {
  Limits limits;
  BareServer s(limits);
  ASSERT_TRUE(s.feed(testing::setting(4, 1) + Hpack().headers(1, get_request(), true)));
  s.session.submit_response(1, 200, {}, false);
  s.session.send_body(1, std::string(60000, 'x'), true);
  s.take();
  flood(s, 10000, [](int) { return testing::window_update(1, 1); });
  expect_calm(s, Flood::kDribbles);
}

TEST(Http2Flood, InternalBufferingCve20199517IsBoundedByTheSendBuffer) {
  BareServer s;
  ASSERT_TRUE(s.feed(testing::setting(4, 1 << 30) + testing::window_update(0, 1 << 30) +
                     Hpack().headers(1, get_request(), true)));
  s.session.submit_response(1, 200, {}, false);
  EXPECT_GE(s.session.send_body(1, std::string(64 * 1024, 'x'), false),
            Limits{}.send_buffer_high_bytes);
  std::string out;
  s.session.take_output(out, 1000);  // the socket takes no more
  EXPECT_LE(out.size(), 1000 + kFrameBytesMax + 9);
  EXPECT_EQ(s.events.streams[1].writables, 0)
      << "nobody asks for more while the peer does not read";
}

TEST(Http2Flood, UnknownFramesEndTheConnection) {
  BareServer s;
  flood(s, 10000, [](int) { return testing::frame(0x77, 0, 0, ""); });
  expect_calm(s, Flood::kOther);
}

TEST(Http2Flood, LargeSettingsCve202011080EndTheConnection) {
  BareServer s;
  std::string payload;
  for (int i = 0; i < 2000; ++i)
    payload += testing::big_endian(4, 2) + testing::big_endian(65535, 4);
  (void)s.feed(testing::frame(testing::kSettings, 0, 0, payload));
  s.take();
  EXPECT_TRUE(s.session.is_over());
}

TEST(FloodGuard, BudgetReturnsWithTheNextWindow) {
  FloodBudgets budgets;
  budgets.pings = 2;
  FloodGuard guard(budgets);
  EXPECT_TRUE(guard.charge(Flood::kPings, {0}));
  EXPECT_TRUE(guard.charge(Flood::kPings, {1}));
  EXPECT_FALSE(guard.charge(Flood::kPings, {2}));
  EXPECT_FALSE(guard.charge(Flood::kPings, Instant{} - 1h))
      << "a clock that steps back mints nothing";
  EXPECT_TRUE(guard.charge(Flood::kPings, Instant{0} + budgets.window));
}

TEST(FloodGuard, CreditNeverGoesBeyondOneBudget) {
  FloodBudgets budgets;
  budgets.pings = 3;
  FloodGuard guard(budgets);
  ASSERT_TRUE(guard.charge(Flood::kPings, {0}));
  for (int i = 0; i < 100; ++i) guard.credit_data_frame();
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(guard.charge(Flood::kPings, {0})) << i;
  EXPECT_FALSE(guard.charge(Flood::kPings, {0}));
}

}  // namespace
}  // namespace headgate::wire::http2
