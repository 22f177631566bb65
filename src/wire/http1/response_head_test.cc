#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "wire/http1/head.h"

namespace headgate::wire::http1 {
namespace {

using http::Framing;
using http::Method;
using Kind = Framing::Kind;

bool accepts(std::string_view text, Method method = Method::kGet) {
  http::ResponseHead out;
  const auto result = parse_response_head(text, method, {}, out);
  if (!result) {
    EXPECT_EQ(result.error().status, 502);
    EXPECT_FALSE(result.error().reason.empty());
  }
  return result.has_value();
}

http::ResponseHead parsed(std::string_view start, std::string_view lines,
                          Method method = Method::kGet) {
  static std::string text;  // the views outlive the call
  text = std::string(start) + "\r\n" + std::string(lines) + "\r\n";
  http::ResponseHead out;
  const auto result = parse_response_head(text, method, {}, out);
  EXPECT_TRUE(result) << (result ? "" : result.error().reason) << "\n" << text;
  return out;
}

TEST(ResponseHead, APlainAnswerIsRead) {
  const http::ResponseHead out =
      parsed("HTTP/1.1 404 Not Found", "Server: x\r\nContent-Length: 3\r\n");
  EXPECT_EQ(out.status, 404);
  EXPECT_EQ(out.reason, "Not Found");
  EXPECT_EQ(out.version, http::Version::k11);
  EXPECT_EQ(out.framing.kind, Kind::kLength);
  EXPECT_EQ(out.framing.length, 3U);
  EXPECT_TRUE(out.keep_alive);
  ASSERT_EQ(out.fields.size(), 1U);
  EXPECT_EQ(out.fields[0].id, http::FieldId::kServer);
}

TEST(ResponseHead, Rfc9112Section4StatusLines) {
  for (const char* line :
       {"HTTP/1.1 200 ", "HTTP/1.1 200", "HTTP/1.0 599 x", "HTTP/1.1 100 \xc3\xa9\t!"})
    EXPECT_TRUE(accepts(std::string(line) + "\r\n\r\n")) << line;
  for (const char* line :
       {"HTTP/1.1  200 OK", "HTTP/2.0 200 OK", "HTTP/1.1 2000 OK", "HTTP/1.1 20 OK",
        "HTTP/1.1 099 x", "HTTP/1.1 600 x", "HTTP/1.1 +20 x", "http/1.1 200 OK", " HTTP/1.1 200 OK",
        "HTTP/1.1\t200 OK", "HTTP/1.1 200\tOK", "HTTP/1.1 200 O\x01K", "HTTP/1.1 200 O\rK",
        "HTTP/1.12 200 OK", "", "ICY 200 OK", "HTTP/1.1 200 OK\r\n X: y", "HTTP/1.1",
        "HTTP/1.1 200 a\x7f"})
    EXPECT_FALSE(accepts(std::string(line) + "\r\n\r\n")) << line;
  EXPECT_FALSE(accepts("HTTP/1.1 200 OK\r\n"));
  EXPECT_FALSE(accepts("HTTP/1.1 200 OK\r\n\r\nrest"));
  EXPECT_FALSE(accepts(""));
}

TEST(ResponseHead, Row10Rfc9112Section63AnswersWithoutContent) {
  const std::string_view both = "Content-Length: 7\r\n";
  EXPECT_EQ(parsed("HTTP/1.1 200 OK", both, Method::kHead).framing.kind, Kind::kNone);
  EXPECT_TRUE(parsed("HTTP/1.1 200 OK", both, Method::kHead).framing.has_length);
  EXPECT_EQ(parsed("HTTP/1.1 200 OK", both, Method::kHead).framing.length, 7U);
  EXPECT_EQ(parsed("HTTP/1.1 304 Not Modified", both).framing.length, 7U);
  EXPECT_EQ(parsed("HTTP/1.1 304 Not Modified", both).framing.kind, Kind::kNone);
  for (const char* line :
       {"HTTP/1.1 100 Continue", "HTTP/1.1 103 Early Hints", "HTTP/1.1 204 No Content"}) {
    EXPECT_EQ(parsed(line, both).framing.kind, Kind::kNone) << line;
    EXPECT_FALSE(parsed(line, both).framing.has_length) << line;
    EXPECT_FALSE(parsed(line, both, Method::kHead).framing.has_length) << line;
    EXPECT_EQ(parsed(line, "Transfer-Encoding: chunked\r\n").framing.kind, Kind::kNone) << line;
    EXPECT_TRUE(parsed(line, "").keep_alive) << line;
  }
  EXPECT_EQ(parsed("HTTP/1.1 200 OK", both, Method::kConnect).framing.kind, Kind::kNone);
  EXPECT_EQ(parsed("HTTP/1.1 407 No", both, Method::kConnect).framing.kind, Kind::kLength);
  EXPECT_EQ(parsed("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n", Method::kHead).framing.kind,
            Kind::kNone);
}

TEST(ResponseHead, Rfc9112Section63ChunkedLengthOrUntilClose) {
  EXPECT_EQ(parsed("HTTP/1.1 200 OK", "Transfer-Encoding: Chunked\r\n").framing.kind,
            Kind::kChunked);
  EXPECT_TRUE(parsed("HTTP/1.1 200 OK", "Transfer-Encoding: chunked\r\n").keep_alive);
  const http::ResponseHead close = parsed("HTTP/1.1 200 OK", "");
  EXPECT_EQ(close.framing.kind, Kind::kUntilClose);
  EXPECT_FALSE(close.keep_alive);
  EXPECT_EQ(parsed("HTTP/1.1 200 OK", "Content-Length: 0\r\n").framing.kind, Kind::kLength);
}

TEST(ResponseHead, Row1BothFramingsMeanChunkedAndNoReuse) {
  const http::ResponseHead out =
      parsed("HTTP/1.1 200 OK",
             "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nConnection: keep-alive\r\n");
  EXPECT_EQ(out.framing.kind, Kind::kChunked);
  EXPECT_FALSE(out.framing.has_length);
  EXPECT_FALSE(out.keep_alive);
  EXPECT_TRUE(out.fields.size() == 1);
}

TEST(ResponseHead, Row1OtherCodingsAreErrors) {
  for (const char* value :
       {"gzip", "gzip, chunked", "chunked, chunked", "identity", "", "chunked,", "x chunked"})
    EXPECT_FALSE(
        accepts("HTTP/1.1 200 OK\r\nTransfer-Encoding: " + std::string(value) + "\r\n\r\n"))
        << value;
  EXPECT_FALSE(accepts("HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"));
}

TEST(ResponseHead, Row2InvalidLengthsAreErrorsEvenForHead) {
  for (const char* value : {"", "+1", "1, 2", "1 2", "0x1", "-1", "18446744073709551616"})
    for (const Method method : {Method::kGet, Method::kHead})
      EXPECT_FALSE(
          accepts("HTTP/1.1 200 OK\r\nContent-Length: " + std::string(value) + "\r\n\r\n", method))
          << value;
  EXPECT_FALSE(accepts("HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"));
  EXPECT_EQ(parsed("HTTP/1.1 200 OK", "Content-Length: 4\r\nContent-Length: 4\r\n").framing.length,
            4U);
}

TEST(ResponseHead, Row4FieldLinesAreAsStrictAsInRequests) {
  for (const char* line : {"X : y", " X: y", "X: y\r\n z", "X: a\x01", "X", "X: a\rb"})
    EXPECT_FALSE(accepts("HTTP/1.1 200 OK\r\nA: b\r\n" + std::string(line) + "\r\n\r\n")) << line;
  std::string many = "HTTP/1.1 200 OK\r\n";
  for (int i = 0; i < 101; ++i) many += "X: y\r\n";
  EXPECT_FALSE(accepts(many + "\r\n"));
}

TEST(ResponseHead, Rfc9112Section93ReuseByVersionAndOption) {
  EXPECT_FALSE(parsed("HTTP/1.0 200 OK", "Content-Length: 1\r\n").keep_alive);
  EXPECT_TRUE(
      parsed("HTTP/1.0 200 OK", "Content-Length: 1\r\nConnection: keep-alive\r\n").keep_alive);
  EXPECT_FALSE(parsed("HTTP/1.1 200 OK", "Content-Length: 1\r\nConnection: close\r\n").keep_alive);
  EXPECT_TRUE(
      parsed("HTTP/1.1 200 OK", "Content-Length: 1\r\nConnection: x-a\r\n").names_in_connection);
}

TEST(ResponseHead, Rfc9110Section78TheProtocolOfA101) {
  EXPECT_EQ(parsed("HTTP/1.1 101 x", "Connection: Upgrade\r\nUpgrade: websocket\r\n").protocol,
            "websocket");
  EXPECT_EQ(parsed("HTTP/1.1 101 x", "Upgrade: websocket\r\n").protocol, "");
  EXPECT_EQ(parsed("HTTP/1.1 200 OK",
                   "Connection: Upgrade\r\nUpgrade: websocket\r\nContent-Length: 0\r\n")
                .protocol,
            "");
}

}  // namespace
}  // namespace headgate::wire::http1
