#include "wire/http1/head.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace headgate::wire::http1 {
namespace {

using http::Framing;

// Status of the first step that refuses the request; 0 when it is accepted, 1 when more bytes are
// needed.
int status_of(std::string_view text, const HeadLimits& limits = {}) {
  std::size_t scanned = 0;
  const auto length = find_head_end(text, scanned, limits);
  if (!length) return length.error().status;
  if (!*length) return 1;
  http::RequestHead out;
  const auto parsed = parse_request_head(text.substr(0, **length), limits, out);
  return parsed ? 0 : parsed.error().status;
}

// A request with a valid Host and these lines, each with its CRLF.
std::string with(std::string_view lines) {
  return "POST / HTTP/1.1\r\nHost: a\r\n" + std::string(lines) + "\r\n";
}

http::RequestHead parsed(std::string_view head) {
  static std::string text;  // the views outlive the call, until the next one
  text = head;
  http::RequestHead out;
  const auto result = parse_request_head(text, {}, out);
  EXPECT_TRUE(result) << (result ? "" : result.error().reason) << "\n" << text;
  return out;
}

TEST(RequestHead, APlainGetIsRead) {
  const std::string head =
      "GET /a?b=c HTTP/1.1\r\nHost: shop.example:8080\r\nX-One:  two words "
      "\r\nX-Empty:\r\nETag:\t\"\xc3\xa9\"\r\n\r\n";
  std::size_t scanned = 0;
  const auto length = find_head_end(head + "body", scanned, {});
  ASSERT_TRUE(length && *length);
  EXPECT_EQ(**length, head.size());
  const http::RequestHead out = parsed(head);
  EXPECT_EQ(out.method, http::Method::kGet);
  EXPECT_EQ(out.method_text, "GET");
  EXPECT_EQ(out.target, "/a?b=c");
  EXPECT_EQ(out.authority, "shop.example:8080");
  EXPECT_EQ(out.scheme, "");
  EXPECT_EQ(out.version, http::Version::k11);
  EXPECT_EQ(out.framing.kind, Framing::Kind::kNone);
  EXPECT_TRUE(out.keep_alive);
  EXPECT_FALSE(out.expect_continue || out.te_trailers || out.names_in_connection);
  ASSERT_EQ(out.fields.size(), 3U);
  EXPECT_EQ(out.fields[0].name, "X-One");
  EXPECT_EQ(out.fields[0].value, "two words");
  EXPECT_EQ(out.fields[1].value, "");
  EXPECT_EQ(out.fields[2].id, http::FieldId::kEtag);
  EXPECT_EQ(out.fields[2].value, "\"\xc3\xa9\"");
}

TEST(RequestHead, AReusedHeadForgetsTheOneBeforeAndKeepsItsMemory) {
  http::RequestHead out;
  const std::string first =
      "POST http://b/ HTTP/1.0\r\nHost: a\r\nConnection: x\r\nTE: trailers\r\nContent-Length: "
      "5\r\nX-A: 1\r\n\r\n";
  ASSERT_TRUE(parse_request_head(first, {}, out));
  const http::Field* storage = out.fields.data();
  ASSERT_TRUE(parse_request_head("GET / HTTP/1.1\r\nHost: c\r\nX-B: 2\r\n\r\n", {}, out));
  EXPECT_EQ(out.fields.data(), storage);
  EXPECT_EQ(out.fields.size(), 1U);
  EXPECT_EQ(out.scheme, "");
  EXPECT_EQ(out.authority, "c");
  EXPECT_FALSE(out.framing.has_length || out.te_trailers || out.names_in_connection);
  EXPECT_TRUE(out.keep_alive);
}

TEST(RequestHead, Rfc9112Section22OneEmptyLineInFrontIsSkipped) {
  const std::string head = "\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n";
  std::size_t scanned = 0;
  const auto length = find_head_end(head, scanned, {});
  ASSERT_TRUE(length && *length);
  EXPECT_EQ(**length, head.size());
  EXPECT_EQ(parsed(head).authority, "a");
  EXPECT_EQ(status_of("\r\n" + head), 400);
  EXPECT_EQ(status_of("\n" + head), 400);
  EXPECT_EQ(status_of("\r\n GET / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
}

TEST(RequestHead, Rfc9112Section3RequestLineHasOneSpelling) {
  for (const char* line : {"GET  / HTTP/1.1",
                           "GET /  HTTP/1.1",
                           " GET / HTTP/1.1",
                           "GET / HTTP/1.1 ",
                           "GET\t/ HTTP/1.1",
                           "GET /\tHTTP/1.1",
                           "GET /",
                           "GET",
                           "GET / ",
                           "GET / http/1.1",
                           "GET / HTTP/1",
                           "GET / HTTP/1.",
                           "GET / HTTP/1.1.1",
                           "GET / HTTP/11",
                           "GET / HTTP/1.10",
                           "GET / HTTP/x.1",
                           "G(T / HTTP/1.1",
                           "G\xc3T / HTTP/1.1",
                           "GET /\xc3\xa9 HTTP/1.1",
                           "GET /\x7f HTTP/1.1",
                           "GET /a b HTTP/1.1",
                           "GET / HTTP/1.1\r",
                           "GET /\rX: y HTTP/1.1",
                           "GET a HTTP/1.1",
                           "GET a/b HTTP/1.1",
                           "GET ?a HTTP/1.1",
                           ": / HTTP/1.1",
                           "GET / HTTP /1.1",
                           "HTTP/1.1 200 OK"})
    EXPECT_EQ(status_of(std::string(line) + "\r\nHost: a\r\n\r\n"), 400) << line;
  EXPECT_EQ(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/0.9\r\nHost: a\r\n\r\n"), 505);
  EXPECT_EQ(status_of("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 505);
  EXPECT_EQ(status_of("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), 0);
  EXPECT_EQ(status_of("BREW / HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
}

TEST(RequestHead, Row21LimitsHaveTheirStatus) {
  const std::string long_target = "GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  EXPECT_EQ(status_of(long_target), 414);
  EXPECT_EQ(status_of("GET /" + std::string(40000, 'a')), 414);
  EXPECT_EQ(status_of(std::string(33, 'M') + " / HTTP/1.1\r\nHost: a\r\n\r\n"), 501);
  EXPECT_EQ(status_of(with("X: " + std::string(40000, 'a') + "\r\n")), 431);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nX: " + std::string(40000, 'a')), 431);
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "X: y\r\n";
  EXPECT_EQ(status_of(with(fields)), 0);
  EXPECT_EQ(status_of(with(fields + "X: y\r\n")), 431);
  const std::string exact = with("");
  EXPECT_EQ(status_of(exact, {.head_bytes_max = static_cast<std::uint32_t>(exact.size())}), 0);
  EXPECT_EQ(status_of(exact, {.head_bytes_max = static_cast<std::uint32_t>(exact.size() - 1)}),
            431);
}

TEST(RequestHead, Row4FieldLinesHaveOneSpelling) {
  for (const char* line : {"X : y",
                           "X\t: y",
                           " X: y",
                           "\tX: y",
                           ": y",
                           "X",
                           "X y",
                           "X: y\r\n folded",
                           "X: y\r\n\tfolded",
                           "X\xc3: y",
                           "X(: y",
                           "X[]: y",
                           "X: a\x01",
                           "X: a\x7f",
                           "X: a\rb",
                           "X: a\r\r",
                           "\"X\": y",
                           "X@: y",
                           "Host : b",
                           "X\v: y",
                           "Transfer-Encoding : chunked",
                           "Content-Length\t: 5",
                           "X: \x0b",
                           "Content-Length: 5\r\n : 6",
                           "X: \x08"})
    EXPECT_EQ(status_of(with(std::string(line) + "\r\n")), 400) << line;
  EXPECT_EQ(status_of(with("X: y\nContent-Length: 5\r\n")), 400);
  EXPECT_EQ(status_of(with("X: y\r\n\nContent-Length: 5\r\n")), 400);
  EXPECT_EQ(status_of(with(std::string("X: a\0b\r\n", 8))), 400);
  EXPECT_EQ(status_of(with("X_Y: z\r\nX.Y: z\r\n!#$%&'*+-.^_`|~: z\r\n")), 0);
}

TEST(RequestHead, Row4AnyControlAnywhereInAValueIsRefused) {
  for (int length = 0; length < 40; ++length)
    for (int c = 0; c < 0x20; ++c) {
      const std::string value =
          std::string(static_cast<std::size_t>(length), 'v') + static_cast<char>(c) + "tail";
      ASSERT_EQ(status_of(with("X: " + value + "\r\n")), c == '\t' ? 0 : 400) << length << " " << c;
    }
}

TEST(RequestHead, Row1TransferEncodingIsExactlyChunkedOnce) {
  EXPECT_EQ(parsed(with("Transfer-Encoding: chunked\r\n")).framing.kind, Framing::Kind::kChunked);
  EXPECT_EQ(parsed(with("transfer-encoding:CHUNKED\t\r\n")).framing.kind, Framing::Kind::kChunked);
  EXPECT_TRUE(parsed(with("Transfer-Encoding: chunked\r\nX: y\r\n")).fields.size() == 1);
  for (const char* value :
       {"", ",", "chunked,", ",chunked", "chunked, chunked", "chunked, gzip", "chunked, identity",
        "xchunked", "chunkedx", "chunked;a=b", "\"chunked\"", "chunked chunked", "gzip", "identity",
        "chu\tnked", "chunked\xc2\xa0"})
    EXPECT_EQ(status_of(with("Transfer-Encoding: " + std::string(value) + "\r\n")), 400) << value;
  EXPECT_EQ(status_of(with("Transfer-Encoding: gzip, chunked\r\n")), 501);
  EXPECT_EQ(status_of(with("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n")), 501);
  EXPECT_EQ(status_of(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n")), 400);
  EXPECT_EQ(status_of(with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n")), 400);
}

TEST(RequestHead, Row1Rfc9112Section61TwoFramingsAreRefused) {
  EXPECT_EQ(status_of(with("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n")), 400);
  EXPECT_EQ(status_of(with("Transfer-Encoding: chunked\r\nContent-Length: 0\r\n")), 400);
  EXPECT_EQ(status_of("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), 400);
}

TEST(RequestHead, Row2ContentLengthIsDigits) {
  http::RequestHead out = parsed(with("Content-Length: 42\r\nX: y\r\n"));
  EXPECT_EQ(out.framing.kind, Framing::Kind::kLength);
  EXPECT_EQ(out.framing.length, 42U);
  EXPECT_TRUE(out.framing.has_length);
  EXPECT_EQ(out.fields.size(), 1U) << "the number in framing is the only one";
  EXPECT_EQ(parsed(with("Content-Length: 5, 5,5\r\ncontent-length: 5\r\n")).framing.length, 5U);
  EXPECT_EQ(parsed(with("Content-Length: 9223372036854775807\r\n")).framing.length,
            9223372036854775807U);
  for (const char* value : {"", "+5", "-5", "0x5", "5_0", "5 0", "5,", ",5", "5;5", "5.0", "5e1",
                            "\"5\"", "five", "5, 6", "9223372036854775808", "18446744073709551616",
                            "99999999999999999999999", "\xef\xbc\x95"})
    EXPECT_EQ(status_of(with("Content-Length: " + std::string(value) + "\r\n")), 400) << value;
  EXPECT_EQ(status_of(with("Content-Length: 5\r\nContent-Length: 6\r\n")), 400);
}

TEST(RequestHead, Rfc9112Section93Http10ClosesUnlessAsked) {
  EXPECT_FALSE(parsed("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(parsed("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(parsed("GET / HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n").keep_alive);
  EXPECT_FALSE(parsed(with("Connection: close\r\n")).keep_alive);
  EXPECT_FALSE(parsed(with("Connection: keep-alive\r\nConnection: foo, CLOSE\r\n")).keep_alive);
  EXPECT_EQ(parsed("GET / HTTP/1.0\r\n\r\n").authority, "");
}

TEST(RequestHead, Row8ConnectionOptionsAreTold) {
  EXPECT_FALSE(parsed(with("Connection: keep-alive, Upgrade, TE,, close\r\n")).names_in_connection);
  EXPECT_TRUE(parsed(with("Connection: X-Mine\r\n")).names_in_connection);
  EXPECT_EQ(parsed(with("Connection: close\r\nKeep-Alive: 5\r\n")).fields.size(), 2U)
      << "hop-by-hop fields stay";
  for (const char* value : {"a b", "a;b", "\"close\"", "x, (y)"})
    EXPECT_EQ(status_of(with("Connection: " + std::string(value) + "\r\n")), 400) << value;
}

TEST(RequestHead, Rfc9110Section78UpgradeCountsOnlyWithItsOption) {
  EXPECT_EQ(parsed(with("Connection: Upgrade\r\nUpgrade: websocket\r\n")).protocol, "websocket");
  EXPECT_EQ(parsed(with("Connection: x, upgrade\r\nUpgrade: HTTP/2.0, websocket\r\n")).protocol,
            "HTTP/2.0");
  EXPECT_EQ(parsed(with("Upgrade: websocket\r\n")).protocol, "");
  EXPECT_EQ(parsed(with("Connection: upgrade\r\n")).protocol, "");
  EXPECT_EQ(parsed("GET / HTTP/1.0\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n").protocol,
            "");
  EXPECT_EQ(status_of(with("Connection: upgrade\r\nUpgrade: web socket\r\n")), 400);
}

TEST(RequestHead, Row9UnknownExpectationsGet417) {
  EXPECT_TRUE(parsed(with("Expect: 100-Continue\r\nContent-Length: 1\r\n")).expect_continue);
  EXPECT_FALSE(parsed(with("Expect: 100-continue\r\n")).expect_continue)
      << "without content there is nothing to wait for";
  EXPECT_FALSE(parsed("POST / HTTP/1.0\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\n")
                   .expect_continue);
  EXPECT_EQ(status_of(with("Expect: 200-ok\r\n")), 417);
  EXPECT_EQ(status_of(with("Expect: 100-continue, x\r\n")), 417);
  EXPECT_EQ(status_of(with("Expect:\r\n")), 417);
}

TEST(RequestHead, Row12TeTrailersIsTold) {
  EXPECT_TRUE(parsed(with("TE: gzip;q=0.5, Trailers\r\nConnection: te\r\n")).te_trailers);
  EXPECT_FALSE(parsed(with("TE: gzip\r\nConnection: te\r\n")).te_trailers);
}

TEST(RequestHead, Row15Rfc9112Section32HostIsThereOnceAndValid) {
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET http://a/ HTTP/1.1\r\n\r\n"), 400);
  EXPECT_EQ(status_of("GET / HTTP/1.0\r\nHost: a\r\nhost: b\r\n\r\n"), 400);
  for (const char* host :
       {"", "a,b", "a b", "u@a", "a:", "a:0", "a:99999", "a/b", "[::1", "a\\b", "http://a"})
    EXPECT_EQ(status_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n"), 400) << host;
}

TEST(RequestHead, Row15Rfc9112Section322AbsoluteFormWins) {
  http::RequestHead out = parsed("GET HTTP://b:81/x?y HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(out.authority, "b:81");
  EXPECT_EQ(out.scheme, "http");
  EXPECT_EQ(out.target, "/x?y");
  out = parsed("GET https://b HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(out.scheme, "https");
  EXPECT_EQ(out.target, "/");
  EXPECT_EQ(parsed("GET http://b?q=http://c/ HTTP/1.1\r\nHost: a\r\n\r\n").target, "?q=http://c/");
  EXPECT_EQ(parsed("OPTIONS http://b HTTP/1.1\r\nHost: a\r\n\r\n").target, "*");
  for (const char* target :
       {"ftp://b/", "http:/b", "http:///x", "http://", "http://u@b/", "http://b:x/", "http://b#f",
        "http://b\\c/", "://b/", "javascript:x", "http:b"})
    EXPECT_EQ(status_of("GET " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n"), 400)
        << target;
  EXPECT_EQ(status_of("GET http://b/ HTTP/1.1\r\nHost: a b\r\n\r\n"), 400)
      << "Host is checked all the same";
}

TEST(RequestHead, Row15AsteriskIsForOptionsAndAuthorityForConnect) {
  EXPECT_EQ(parsed("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n").target, "*");
  EXPECT_EQ(status_of("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  EXPECT_EQ(status_of("OPTIONS ** HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  const http::RequestHead out = parsed("CONNECT b:443 HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_EQ(out.authority, "b:443");
  EXPECT_EQ(out.target, "");
  EXPECT_EQ(status_of("GET b:443 HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  for (const char* target : {"b", "/", "http://b:443/", "b:443/", "*", "b:", ":443", "u@b:443"})
    EXPECT_EQ(status_of("CONNECT " + std::string(target) + " HTTP/1.1\r\nHost: a\r\n\r\n"), 400)
        << target;
  EXPECT_EQ(status_of("CONNECT b:443 HTTP/1.1\r\nHost: b\r\nContent-Length: 5\r\n\r\n"), 400);
  EXPECT_EQ(status_of("CONNECT b:443 HTTP/1.1\r\nHost: b\r\nTransfer-Encoding: chunked\r\n\r\n"),
            400);
}

}  // namespace
}  // namespace headgate::wire::http1
