// Requests written by hand against the rules of RFC 9113 §8 and the traps of the notes (rows 15,
// 16, 24).
#include <gtest/gtest.h>

#include "wire/http2/testing/frames.h"
#include "wire/http2/testing/recorders.h"

namespace headgate::wire::http2 {
namespace {

using testing::BareServer;
using testing::Exchange;
using testing::get_request;
using testing::Hpack;
using testing::Pairs;

const std::string kNulInside("a\0b", 3);

Pairs with(Pairs more) {
  Pairs pairs = get_request();
  pairs.insert(pairs.end(), more.begin(), more.end());
  return pairs;
}
Pairs without(std::string_view name) {
  Pairs pairs = get_request();
  std::erase_if(pairs, [&](const auto& p) { return p.first == name; });
  return pairs;
}
Pairs replaced(std::string_view name, std::string value) {
  Pairs pairs = get_request();
  for (auto& p : pairs)
    if (p.first == name) p.second = value;
  return pairs;
}

Exchange ask(const Pairs& pairs, bool end_stream = true, const Limits& limits = {}) {
  BareServer s(limits);
  Hpack hpack;
  EXPECT_TRUE(s.feed(hpack.headers(1, pairs, end_stream)));
  EXPECT_EQ(s.events.streams.size(), 1u);
  return std::move(s.events.streams[1]);
}

struct BadCase {
  const char* what;
  Pairs pairs;
};

TEST(Http2RequestRules, MalformedHeadsAreTold400AndNeverDelivered) {
  const std::vector<BadCase> cases = {
      {"Host differs from :authority", with({{"host", "evil.example"}})},
      {"two Hosts", with({{"host", "shop.example"}, {"host", "shop.example"}})},
      {"two Hosts without :authority",
       {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"host", "a"}, {"host", "b"}}},
      {"no authority at all", without(":authority")},
      {"empty authority", replaced(":authority", "")},
      {"userinfo in :authority", replaced(":authority", "user@shop.example")},
      {"space in :authority", replaced(":authority", "shop .example")},
      {"no :method", without(":method")},
      {"no :scheme", without(":scheme")},
      {"no :path", without(":path")},
      {"empty :path", replaced(":path", "")},
      {"relative :path", replaced(":path", "cart")},
      {"absolute-form :path", replaced(":path", "http://evil.example/")},
      {":path * of GET", replaced(":path", "*")},
      {"space in :path", replaced(":path", "/a HTTP/1.1")},
      {"fragment in :path", replaced(":path", "/a#b")},
      {"CR LF in :path", replaced(":path", "/a\r\nx: y")},
      {"CR LF in :method", replaced(":method", "GET / HTTP/1.1\r\nx: y")},
      {"space in :method", replaced(":method", "GET /admin")},
      {"unknown :scheme", replaced(":scheme", "ftp")},
      {"twice :path",
       {{":method", "GET"},
        {":scheme", "https"},
        {":authority", "a"},
        {":path", "/"},
        {":path", "/b"}}},
      {"response pseudo-header",
       {{":method", "GET"},
        {":scheme", "https"},
        {":authority", "a"},
        {":path", "/"},
        {":status", "200"}}},
      {"unknown pseudo-header",
       {{":method", "GET"},
        {":scheme", "https"},
        {":authority", "a"},
        {":path", "/"},
        {":x", "1"}}},
      {"pseudo-header after a field",
       {{":method", "GET"}, {":scheme", "https"}, {":path", "/"}, {"x", "1"}, {":authority", "a"}}},
      {"upper case in a name", with({{"X-Upper", "1"}})},
      {"empty name", with({{"", "1"}})},
      {"colon in a name", with({{"a:b", "1"}})},
      {"space in a name", with({{"a b", "1"}})},
      {"CR LF in a name", with({{"a\r\nb", "1"}})},
      {"NUL in a name", with({{kNulInside, "1"}})},
      {"CR in a value", with({{"x", "a\rb"}})},
      {"LF in a value", with({{"x", "a\nb"}})},
      {"CR LF at the end of a value", with({{"x", "a\r\n"}})},
      {"NUL in a value", with({{"x", kNulInside}})},
      {"control character in a value", with({{"x", "a\x01"}})},
      {"connection", with({{"connection", "close"}})},
      {"keep-alive", with({{"keep-alive", "timeout=5"}})},
      {"proxy-connection", with({{"proxy-connection", "keep-alive"}})},
      {"transfer-encoding", with({{"transfer-encoding", "chunked"}})},
      {"upgrade", with({{"upgrade", "websocket"}})},
      {"te other than trailers", with({{"te", "gzip"}})},
      {"te list", with({{"te", "trailers, gzip"}})},
      {"signed content-length", with({{"content-length", "+0"}})},
      {"empty content-length", with({{"content-length", ""}})},
      {"list content-length", with({{"content-length", "0, 0"}})},
      {"differing content-length", with({{"content-length", "0"}, {"content-length", "1"}})},
      {"overflowing content-length", with({{"content-length", "18446744073709551616"}})},
      {"content-length without content", with({{"content-length", "5"}})},
      {"CONNECT with :path", {{":method", "CONNECT"}, {":authority", "a:1"}, {":path", "/"}}},
      {"CONNECT with :scheme",
       {{":method", "CONNECT"}, {":authority", "a:1"}, {":scheme", "https"}}},
      {"CONNECT without :authority", {{":method", "CONNECT"}, {"host", "a:1"}}},
      {":protocol of GET",
       {{":method", "GET"},
        {":scheme", "https"},
        {":authority", "a"},
        {":path", "/"},
        {":protocol", "websocket"}}},
      {"empty :protocol",
       {{":method", "CONNECT"},
        {":scheme", "https"},
        {":authority", "a"},
        {":path", "/"},
        {":protocol", ""}}},
      {"extended CONNECT without :path",
       {{":method", "CONNECT"},
        {":scheme", "https"},
        {":authority", "a"},
        {":protocol", "websocket"}}},
  };
  for (const BadCase& c : cases) {
    const Exchange e = ask(c.pairs);
    EXPECT_EQ(e.heads, 0) << c.what;
    EXPECT_EQ(e.bad_status, 400) << c.what;
    EXPECT_FALSE(e.bad_reason.empty()) << c.what;
  }
}

TEST(Http2RequestRules, UnusualButLegalHeadsAreDelivered) {
  const std::vector<BadCase> cases = {
      {"equal Host", with({{"host", "SHOP.example"}})},
      {"Host alone",
       {{":method", "GET"}, {":scheme", "http"}, {":path", "/"}, {"host", "shop.example"}}},
      {"OPTIONS *",
       {{":method", "OPTIONS"},
        {":scheme", "http"},
        {":authority", "shop.example"},
        {":path", "*"}}},
      {"port and IPv6", replaced(":authority", "[::1]:8443")},
      {"CONNECT", {{":method", "CONNECT"}, {":authority", "db.example:5432"}}},
      {"te trailers", with({{"te", "trailers"}})},
      {"identical content-length twice", with({{"content-length", "0"}, {"content-length", "0"}})},
      {"tab and high bytes in a value", with({{"x", "a\tb\xc3\xa9"}})},
      {"empty value", with({{"x", ""}})},
      {"unknown method", replaced(":method", "BREW")},
  };
  for (const BadCase& c : cases) {
    const Exchange e = ask(c.pairs);
    EXPECT_EQ(e.heads, 1) << c.what << ": " << e.bad_reason;
    EXPECT_FALSE(e.request.authority.empty()) << c.what;
  }
}

TEST(Http2RequestRules, WhiteSpaceAroundValuesIsStripped) {  // notes row 16
  const Exchange e = ask(with({{"x", " \ta b\t "}, {"host", " shop.example "}}));
  ASSERT_EQ(e.heads, 1);
  EXPECT_EQ(http::find(e.request.fields, "x")->value, "a b");
}

TEST(Http2RequestRules, CookieCrumbsBecomeOneField) {
  const Exchange e = ask(with({{"cookie", "a=1"}, {"x", "y"}, {"cookie", "b=2"}}));
  ASSERT_EQ(e.request.fields.size(), 2u);
  EXPECT_EQ(http::find(e.request.fields, http::FieldId::kCookie)->value, "a=1; b=2");
}

TEST(Http2RequestRules, HostIsTakenOutOfTheFields) {
  const Exchange e = ask(with({{"host", "shop.example"}, {"expect", "100-continue"}}), false);
  EXPECT_EQ(http::find(e.request.fields, http::FieldId::kHost), nullptr);
  EXPECT_TRUE(e.request.expect_continue);
  EXPECT_EQ(e.request.framing.kind, http::Framing::Kind::kStream);
}

TEST(Http2RequestRules, BadRequestCanBeAnsweredAndItsBodyIsDiscarded) {
  BareServer s;
  Hpack hpack;
  ASSERT_TRUE(s.feed(hpack.headers(1, with({{"connection", "close"}}), false)));
  s.session.submit_response(1, 400, {}, true);
  ASSERT_TRUE(s.feed(testing::frame(testing::kData, 0, 1, "ignored")));
  bool answered = false, stopped = false;
  for (const auto& f : testing::split(s.take())) {
    answered |= f.type == testing::kHeaders && f.stream == 1;
    stopped |= f.type == testing::kRstStream && testing::number_at(f.payload, 0) == 0;
  }
  EXPECT_TRUE(answered);
  EXPECT_TRUE(stopped);
  EXPECT_EQ(s.events.streams[1].body, "");
  EXPECT_EQ(s.events.streams[1].closes, 1);
  EXPECT_EQ(s.session.held_bytes(), 0u);
  EXPECT_EQ(s.session.unreleased(), 0u);
  EXPECT_EQ(s.session.stats().bad_heads, 1u);
}

struct BodyCase {
  const char* length;
  std::vector<std::string> pieces;
  bool good;
};

TEST(Http2RequestRules, ContentLengthMustEqualTheSumOfData) {  // notes row 16
  const std::vector<BodyCase> cases = {{"5", {"hello"}, true},
                                       {"5", {"he", "llo"}, true},
                                       {"0", {""}, true},
                                       {"5", {"hell"}, false},
                                       {"5", {"hello", "!"}, false},
                                       {"0", {"x"}, false},
                                       {"5", {"hel", "lo world"}, false},
                                       {"1", {""}, false}};
  for (const BodyCase& c : cases) {
    BareServer s;
    Hpack hpack;
    ASSERT_TRUE(s.feed(hpack.headers(1, with({{"content-length", c.length}}), false)));
    for (std::size_t i = 0; i < c.pieces.size(); ++i)
      ASSERT_TRUE(s.feed(testing::frame(
          testing::kData, i + 1 == c.pieces.size() ? testing::kEndStream : 0, 1, c.pieces[i])));
    const Exchange& e = s.events.streams.at(1);
    EXPECT_EQ(e.ends == 1, c.good) << c.length << " " << c.pieces[0];
    EXPECT_EQ(e.reset.has_value(), !c.good) << c.length << " " << c.pieces[0];
    s.take();
    EXPECT_EQ(s.session.stats().resets_by_peer_fault, c.good ? 0u : 1u);
  }
}

TEST(Http2RequestRules, PaddedDataEndsTheStreamOnce) {
  BareServer s;
  Hpack hpack;
  ASSERT_TRUE(s.feed(hpack.headers(1, get_request(), false)));
  ASSERT_TRUE(s.feed(testing::frame(testing::kData, testing::kPadded | testing::kEndStream, 1,
                                    std::string("\3abc\0\0\0", 7))));
  EXPECT_EQ(s.events.streams[1].body, "abc");
  EXPECT_EQ(s.events.streams[1].ends, 1);
}

TEST(Http2RequestRules, BrokenTrailersResetTheStream) {
  for (const Pairs& trailers : {Pairs{{":path", "/"}}, Pairs{{"X", "1"}},
                                Pairs{{"connection", "close"}}, Pairs{{"x", "a\nb"}}}) {
    BareServer s;
    Hpack hpack;
    ASSERT_TRUE(s.feed(hpack.headers(1, get_request(), false)));
    ASSERT_TRUE(s.feed(hpack.headers(1, trailers, true)));
    EXPECT_EQ(s.events.streams[1].ends, 0);
    ASSERT_TRUE(s.events.streams[1].reset);
    EXPECT_EQ(s.events.streams[1].reset->code, ErrorCode::kProtocolError);
  }
}

TEST(Http2RequestRules, TrailersThatDoNotEndTheStreamResetIt) {
  BareServer s;
  Hpack hpack;
  ASSERT_TRUE(
      s.feed(hpack.headers(1, get_request(), false) + hpack.headers(1, {{"x", "1"}}, false)));
  EXPECT_TRUE(s.events.streams[1].reset);
}

TEST(Http2RequestRules, OversizedHeadIsTold431AndHpackStateSurvives) {  // notes row 24
  BareServer s;
  Hpack hpack;
  Pairs big = get_request();
  for (int i = 0; i < 20; ++i)
    big.push_back({"x-big-" + std::to_string(i), std::string(4000, 'v')});
  std::string block = hpack.block(big), bytes;
  for (std::size_t at = 0; at < block.size(); at += kFrameBytesMax) {
    const bool last = at + kFrameBytesMax >= block.size();
    bytes += testing::frame(at == 0 ? testing::kHeaders : testing::kContinuation,
                            static_cast<unsigned char>((last ? testing::kEndHeaders : 0) |
                                                       (at == 0 ? testing::kEndStream : 0)),
                            1, std::string_view(block).substr(at, kFrameBytesMax));
  }
  ASSERT_TRUE(s.feed(bytes));
  EXPECT_EQ(s.events.streams[1].bad_status, 431);
  EXPECT_EQ(s.session.stats().oversized_heads, 1u);
  ASSERT_TRUE(s.feed(hpack.headers(3, with({{"x-after", "1"}}), true)));
  EXPECT_EQ(s.events.streams[3].heads, 1);
}

TEST(Http2RequestRules, TooManyFieldsAreTold431) {
  Pairs many = get_request();
  for (int i = 0; i < 300; ++i) many.push_back({"x", "1"});
  EXPECT_EQ(ask(many).bad_status, 431);
}

TEST(Http2RequestRules, BadPrefaceEndsTheConnection) {
  BareServer s({}, false);
  EXPECT_FALSE(s.feed("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  EXPECT_TRUE(s.session.is_over());
}

TEST(Http2RequestRules, ConnectionErrorEndsWithGoawayAndIsOver) {
  BareServer s;
  s.take();
  (void)s.feed(testing::frame(testing::kData, 0, 0, "data on the connection"));
  bool goaway = false;
  for (const auto& f : testing::split(s.take()))
    goaway |= f.type == testing::kGoaway && testing::number_at(f.payload, 4) == 1;
  EXPECT_TRUE(goaway);
  EXPECT_TRUE(s.session.is_over());
}

}  // namespace
}  // namespace headgate::wire::http2
