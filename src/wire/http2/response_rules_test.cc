// Responses of a careless or hostile origin, written by hand.
#include <gtest/gtest.h>

#include "wire/http2/testing/frames.h"
#include "wire/http2/testing/recorders.h"

namespace headgate::wire::http2 {
namespace {

using testing::ClientRecorder;
using testing::Exchange;
using testing::Hpack;
using testing::Loopback;
using testing::Pairs;

// A client that sent one request on stream 1 and is fed by hand.
struct BareClient {
  ClientRecorder events;
  ClientSession session;
  Hpack hpack;

  explicit BareClient(std::string_view method = "GET", const Limits& limits = {})
      : session(events, limits) {
    EXPECT_TRUE(session.feed(testing::settings(), {}));
    EXPECT_TRUE(session.submit_request(Loopback::head(method), true));
    take();
  }
  Status answer(const Pairs& pairs, bool end_stream) {
    return session.feed(hpack.headers(1, pairs, end_stream), {});
  }
  Status data(std::string_view bytes, bool end_stream) {
    return session.feed(
        testing::frame(testing::kData, end_stream ? testing::kEndStream : 0, 1, bytes), {});
  }
  std::string take() {
    std::string out;
    session.take_output(out, 1 << 24);
    return out;
  }
  Exchange& stream() { return events.streams[1]; }
};

TEST(Http2ResponseRules, MalformedHeadsResetTheStream) {
  const std::vector<Pairs> cases = {
      {{"x", "1"}},
      {{":status", "abc"}},
      {{":status", "20"}},
      {{":status", "099"}},
      {{":status", "600"}},
      {{":status", "101"}},
      {{":status", "200"}, {":status", "200"}},
      {{":status", "200"}, {":path", "/"}},
      {{"x", "1"}, {":status", "200"}},
      {{":status", "200"}, {"connection", "close"}},
      {{":status", "200"}, {"transfer-encoding", "chunked"}},
      {{":status", "200"}, {"X-Upper", "1"}},
      {{":status", "200"}, {"x", "a\r\nset-cookie: b"}},
      {{":status", "200"}, {"content-length", "-1"}},
      {{":status", "200"}, {"content-length", "1"}, {"content-length", "2"}},
  };
  for (const Pairs& pairs : cases) {
    BareClient c;
    ASSERT_TRUE(c.answer(pairs, false));
    EXPECT_EQ(c.stream().heads, 0) << pairs.back().first;
    ASSERT_TRUE(c.stream().reset) << pairs.back().first;
    EXPECT_EQ(c.stream().reset->code, ErrorCode::kProtocolError);
    EXPECT_FALSE(c.stream().reset->unprocessed);
    c.take();
    EXPECT_EQ(c.stream().closes, 1);
  }
}

TEST(Http2ResponseRules, InterimThatEndsTheStreamResetsIt) {
  BareClient c;
  ASSERT_TRUE(c.answer({{":status", "103"}}, true));
  EXPECT_TRUE(c.stream().reset);
}

TEST(Http2ResponseRules, EndlessInterimResponsesResetTheStream) {
  Limits limits;
  BareClient c("GET", limits);
  for (std::uint32_t i = 0; i <= limits.interim_max; ++i)
    ASSERT_TRUE(c.answer({{":status", "103"}}, false));
  EXPECT_EQ(c.stream().interims.size(), limits.interim_max);
  ASSERT_TRUE(c.stream().reset);
  EXPECT_EQ(c.stream().reset->code, ErrorCode::kEnhanceYourCalm);
}

TEST(Http2ResponseRules, ContentBeforeTheHeadResetsTheStream) {
  BareClient c;
  ASSERT_TRUE(c.data("early", false));
  c.take();
  EXPECT_EQ(c.stream().body, "");
  EXPECT_TRUE(c.stream().reset || c.session.is_over());
}

TEST(Http2ResponseRules, TruncatedContentIsAResetAndNoEnd) {  // notes row 14
  BareClient c;
  ASSERT_TRUE(c.answer({{":status", "200"}, {"content-length", "10"}}, false));
  ASSERT_TRUE(c.data("short", true));
  EXPECT_TRUE(c.stream().reset);
  EXPECT_EQ(c.stream().ends, 0);
}

TEST(Http2ResponseRules, LengthOfAHeadAnswerOrA304IsNotCounted) {  // notes row 10
  BareClient head("HEAD");
  ASSERT_TRUE(head.answer({{":status", "200"}, {"content-length", "10"}}, true));
  EXPECT_EQ(head.stream().ends, 1);
  EXPECT_EQ(head.stream().response.framing.length, 10u);
  BareClient unchanged;
  ASSERT_TRUE(unchanged.answer({{":status", "304"}, {"content-length", "10"}}, false));
  ASSERT_TRUE(unchanged.data("", true));
  EXPECT_EQ(unchanged.stream().ends, 1);
  EXPECT_FALSE(unchanged.stream().reset);
}

TEST(Http2ResponseRules, ContentOfAHeadAnswerResetsTheStream) {  // notes row 10
  BareClient c("HEAD");
  ASSERT_TRUE(c.answer({{":status", "200"}}, false));
  ASSERT_TRUE(c.data("smuggled", false));
  EXPECT_TRUE(c.stream().reset);
  EXPECT_EQ(c.stream().body, "");
}

TEST(Http2ResponseRules, PushIsAConnectionErrorOnceOurSettingsAreKnown) {
  BareClient c;
  ASSERT_TRUE(c.session.feed(testing::frame(testing::kSettings, testing::kAck, 0, ""), {}));
  (void)c.session.feed(
      testing::frame(testing::kPushPromise, testing::kEndHeaders, 1, std::string("\0\0\0\2", 4)),
      {});
  c.take();
  EXPECT_TRUE(c.session.is_over());
}

TEST(Http2ResponseRules, HeadersOnAnUnknownStreamReachNobody) {
  BareClient c;
  (void)c.session.feed(c.hpack.headers(77, {{":status", "200"}}, true), {});
  c.take();
  EXPECT_EQ(c.events.streams.count(77), 0u);
}

TEST(Http2ResponseRules, ResetNoErrorAfterACompleteAnswerIsNoFailure) {
  BareClient c;
  ASSERT_TRUE(c.session.submit_request(Loopback::head("POST"), false));
  c.take();
  ASSERT_TRUE(c.session.feed(
      c.hpack.headers(3, {{":status", "200"}}, true) + testing::reset(3, ErrorCode::kNoError), {}));
  EXPECT_EQ(c.events.streams[3].response.status, 200);
  EXPECT_EQ(c.events.streams[3].ends, 1);
  EXPECT_EQ(c.events.streams[3].closes, 1);
  EXPECT_FALSE(c.events.streams[3].reset);
}

}  // namespace
}  // namespace headgate::wire::http2
