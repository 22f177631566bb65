// Whole connections as an attacker would write them: the codec either refuses, or sees exactly the
// requests that every other strict reader sees. Nothing hidden may surface as a second request.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "wire/http1/chunked.h"
#include "wire/http1/head.h"

namespace headgate::wire::http1 {
namespace {

using http::Framing;

// Takes the content that follows a head off the front; false when it is malformed or unfinished.
bool take_content(const Framing& framing, std::string_view& rest) {
  if (framing.kind == Framing::Kind::kNone) return true;
  if (framing.kind == Framing::Kind::kLength) {
    if (rest.size() < framing.length) return false;
    rest.remove_prefix(framing.length);
    return true;
  }
  ChunkedDecoder decoder;
  ChunkedDecoder::Step step{};
  while ((step = decoder.next(rest)).event == ChunkedDecoder::Event::kData) {
  }
  return step.event == ChunkedDecoder::Event::kEnd;
}

// The targets of the requests on a connection, each with a space; '!' where it is refused, '?'
// where it is unfinished.
std::string seen(std::string_view bytes) {
  std::string out;
  while (!bytes.empty()) {
    std::size_t scanned = 0;
    const auto length = find_head_end(bytes, scanned, {});
    if (!length) return out + '!';
    if (!*length) return out + '?';
    http::RequestHead head;
    if (!parse_request_head(bytes.substr(0, **length), {}, head)) return out + '!';
    out.append(head.target) += ' ';
    bytes.remove_prefix(**length);
    if (!take_content(head.framing, bytes))
      return out + (head.framing.kind == Framing::Kind::kChunked ? '!' : '?');
    if (!head.keep_alive) return out + '.';
  }
  return out;
}

std::string post(std::string_view lines, std::string_view content) {
  return "POST /a HTTP/1.1\r\nHost: h\r\n" + std::string(lines) + "\r\n" + std::string(content);
}

constexpr std::string_view kHidden = "GET /hidden HTTP/1.1\r\nHost: h\r\n\r\n";
constexpr std::string_view kNext = "GET /b HTTP/1.1\r\nHost: h\r\n\r\n";

TEST(Smuggling, HonestPipelinesAreSeenAsTheyAre) {
  EXPECT_EQ(seen(std::string(kNext) + std::string(kNext)), "/b /b ");
  EXPECT_EQ(seen(post("Content-Length: 3\r\n", "xyz") + std::string(kNext)), "/a /b ");
  EXPECT_EQ(
      seen(post("Transfer-Encoding: chunked\r\n", "3\r\nxyz\r\n0\r\n\r\n") + std::string(kNext)),
      "/a /b ");
  EXPECT_EQ(seen(post("Content-Length: 0\r\n", "\r\n") + std::string(kNext)), "/a /b ");
  EXPECT_EQ(seen(post("Connection: close\r\n", kHidden)), "/a .");
  EXPECT_EQ(seen("GET /a HTTP/1.0\r\n\r\n" + std::string(kHidden)), "/a .");
}

TEST(Smuggling, ContentThatLooksLikeARequestStaysContent) {
  const std::string length = "Content-Length: " + std::to_string(kHidden.size()) + "\r\n";
  EXPECT_EQ(seen(post(length, kHidden) + std::string(kNext)), "/a /b ");
  EXPECT_EQ(seen("GET /a HTTP/1.1\r\nHost: h\r\n" + length + "\r\n" + std::string(kHidden) +
                 std::string(kNext)),
            "/a /b ");
  EXPECT_EQ(seen(post("Transfer-Encoding: chunked\r\n",
                      "21\r\n" + std::string(kHidden) + "\r\n0\r\n\r\n")),
            "/a ");
}

// Each hides one framing field from one kind of reader.
TEST(Smuggling, HalfHiddenFramingFieldsAreRefused) {
  const std::string_view disguises[] = {
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n",
      "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n",
      "Content-Length: 5\r\nTransfer-Encoding : chunked\r\n",
      "Content-Length: 5\r\nTransfer-Encoding\t: chunked\r\n",
      "Content-Length: 5\r\n Transfer-Encoding: chunked\r\n",
      "Content-Length: 5\r\nX: y\r\n\tTransfer-Encoding: chunked\r\n",
      "Content-Length: 5\r\nX: y\nTransfer-Encoding: chunked\r\n",
      "Content-Length: 5\r\nX: y\rTransfer-Encoding: chunked\r\n",
      "Content-Length: 5\r\nX: y\r\rTransfer-Encoding: chunked\r\n",
      "Content-Length: 5\r\nTransfer-Encoding:\x0b"
      "chunked\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: chunked\x0c\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: xchunked\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: identity, chunked\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: chunked, identity\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: \"chunked\"\r\n",
      "Content-Length: 5\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: x\r\n",
      "Content-Length: 5\r\nTransfer-Encoding:\r\n",
      "Content-Length: 5\r\nTransfer-Encoding:\r\n chunked\r\n",
      "Content-Length: 5\r\nTransfer\x80-Encoding: chunked\r\n",
      "Content-Length: 5\r\n\"Transfer-Encoding\": chunked\r\n",
      "Content-Length: 5\r\nContent-Length: 50\r\n",
      "Content-Length: 5, 50\r\n",
      "Content-Length: 5 50\r\n",
      "Content-Length: 5\r\n 0\r\n",
      "Content-Length : 5\r\n",
      "Content-Length: +5\r\n",
      "Content-Length: 0x5\r\n",
      "Content-Length: 5\x0b\r\n",
      "Content-Length: -0\r\n",
      "Content-Length: 1e1\r\n",
      "Content-Length: 18446744073709551621\r\n",
      "Content-Length: 5,\r\n",
      "Content-Length:\r\n",
      "Host: other\r\n",
      "Host : other\r\n",
      "Expect: 100-continue, 200-ok\r\n",
      "Content-Length: 5\r\n: x\r\n",
      "Content-Length: 5\r\nX\r\n",
      "Content-Length: 5\r\n\n",
  };
  for (const std::string_view lines : disguises)
    EXPECT_EQ(seen(post(lines, "0\r\n\r\n" + std::string(kHidden))), "!") << lines;
  EXPECT_EQ(seen(post(std::string_view("Transfer-Encoding: chunked\0\r\n", 29), kHidden)), "!");
  EXPECT_EQ(seen(post(std::string_view("Transfer-Encoding\0: chunked\r\n", 29), kHidden)), "!");
}

// A name that only resembles a framing field frames nothing, for us and for everybody.
TEST(Smuggling, OtherNamesAreOrdinaryFields) {
  for (const char* lines : {"Transfer_Encoding: chunked\r\n", "Content_Length: 33\r\n",
                            "X-Transfer-Encoding: chunked\r\n", "Content-Lengt: 33\r\n",
                            "Transfer-Encodin: chunked\r\n", "Content-Length-: 33\r\n"})
    EXPECT_EQ(seen(post(lines, kNext)), "/a /b ") << lines;
}

TEST(Smuggling, ChunksThatTwoReadersCutDifferentlyAreRefused) {
  const std::string_view contents[] = {
      "3\r\nxyz0\r\n\r\n",
      "3\nxyz\n0\n\n",
      "3\r\nxyz\n0\r\n\r\n",
      "3;a\nb\r\nxyz\r\n0\r\n\r\n",
      "3 \r\nxyz\r\n0\r\n\r\n",
      "0x3\r\nxyz\r\n0\r\n\r\n",
      "+3\r\nxyz\r\n0\r\n\r\n",
      "10000000000000003\r\nxyz\r\n0\r\n\r\n",
      "\r\n3\r\nxyz\r\n0\r\n\r\n",
      "3\r\nxyz\r\n-0\r\n\r\n",
      "3\r\n\r\nxyz\r\n0\r\n\r\n",
      "3\rX\nxyz\r\n0\r\n\r\n",
      "0\r\nX: y\n\r\n",
      "0\r\n\n",
      "0\n\r\n",
      "0\r\nX : y\r\n\r\n",
      "0\r\n X: y\r\n\r\n",
      "0_3\r\nxyz\r\n0\r\n\r\n",
      "3,3\r\nxyz\r\n0\r\n\r\n",
      "3\r\nxyz\r\n0;\r\r\n\r\n",
  };
  for (const std::string_view content : contents)
    EXPECT_EQ(
        seen(post("Transfer-Encoding: chunked\r\n", std::string(content) + std::string(kHidden))),
        "/a !")
        << content;
}

TEST(Smuggling, RequestLinesThatTwoReadersCutDifferentlyAreRefused) {
  const std::string_view lines[] = {
      "GET /a HTTP/1.1 HTTP/1.1",
      "GET /a\x0b/ HTTP/1.1",
      "GET /a\rX: y HTTP/1.1",
      "GET /a  HTTP/1.1",
      "GET\t/a HTTP/1.1",
      "GET /a\tHTTP/1.1",
      "\x0bGET /a HTTP/1.1",
      "GET\x0b/a HTTP/1.1",
      "GET /a HTTP/1.1\t",
      "GET /a HTTP/1.1 ",
      "GET http://h:80:80/ HTTP/1.1",
      "GET http://x@h/ HTTP/1.1",
      "GET http://h\\@x/ HTTP/1.1",
      "GET //h HTTP/1.01",
  };
  for (const std::string_view line : lines)
    EXPECT_EQ(seen(std::string(line) + "\r\nHost: h\r\n\r\n" + std::string(kHidden)), "!") << line;
  EXPECT_EQ(seen("GET /a HTTP/1.1\r\nHost: h\r\n\r\n\r\n\r\n" + std::string(kHidden)), "/a !");
}

}  // namespace
}  // namespace headgate::wire::http1
