#include "wire/http1/chunked.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "wire/http1/writer.h"

namespace headgate::wire::http1 {
namespace {

using Event = ChunkedDecoder::Event;

struct Decoded {
  Event end = Event::kNeedMore;
  std::string data, trailers, rest;
  friend bool operator==(const Decoded&, const Decoded&) = default;
};

// Feeds the text in pieces that end at `stops` and at its end; what is left behind the message goes
// to `rest`.
Decoded decode(std::string_view text, const std::vector<std::size_t>& stops = {}) {
  ChunkedDecoder decoder;
  Decoded out;
  std::size_t at = 0;
  for (std::size_t i = 0; i <= stops.size(); ++i) {
    const std::size_t stop = i < stops.size() ? stops[i] : text.size();
    const std::string piece(text.substr(at, stop - at));
    at = stop;
    std::string_view input = piece;
    ChunkedDecoder::Step step{};
    while ((step = decoder.next(input)).event == Event::kData) {
      EXPECT_FALSE(step.data.empty());
      out.data += step.data;
    }
    out.end = step.event;
    if (step.event == Event::kNeedMore) {
      EXPECT_TRUE(input.empty());
      continue;
    }
    if (step.event == Event::kError) {
      EXPECT_FALSE(decoder.error().empty());
    } else {
      out.rest = std::string(input) + std::string(text.substr(at));
      for (const http::Field& field : decoder.trailers())
        out.trailers.append(field.name).append("=").append(field.value) += '|';
    }
    EXPECT_EQ(decoder.next(input).event, step.event) << "the end is final";
    break;
  }
  return out;
}

Event end_of(std::string_view text) { return decode(text).end; }

TEST(Chunked, Rfc9112Section71AMessageIsDecoded) {
  const Decoded out =
      decode("4\r\nWiki\r\n00a;x=y\r\n0123456789\r\n0\r\nX-Sum: 1\r\nDigest:  2 \r\n\r\nGET /");
  EXPECT_EQ(out.end, Event::kEnd);
  EXPECT_EQ(out.data, "Wiki0123456789");
  EXPECT_EQ(out.trailers, "X-Sum=1|Digest=2|");
  EXPECT_EQ(out.rest, "GET /");
  EXPECT_EQ(decode("A\r\n0123456789\r\n000\r\n\r\n").data, "0123456789");
  EXPECT_EQ(decode("1 ;a\r\nx\r\n1\t; b = \"c\"\r\ny\r\n0;z\r\n\r\n").data, "xy");
}

TEST(Chunked, Row3ChunkHeadsHaveOneSpelling) {
  for (const char* text : {"\r\n",
                           "g\r\n",
                           "0x4\r\nWiki\r\n",
                           "+4\r\nWiki\r\n",
                           "-4\r\n",
                           " 4\r\nWiki\r\n",
                           "4 \r\nWiki\r\n",
                           "4\nWiki\n",
                           "4\r\nWiki\n",
                           "4\rWiki",
                           "4\r\r\nWiki",
                           "4\r\nWikiX\r\n",
                           "4\r\nWik\r\n0\r\n\r\n",
                           ";a\r\n",
                           "4_\r\n",
                           "4,4\r\n",
                           "4\r\nWiki\r0",
                           "4;a\nb\r\nWiki\r\n",
                           "4;a\rb\r\nWiki\r\n",
                           "4;a\x01\r\nWiki\r\n",
                           "4\v\r\nWiki\r\n",
                           "4 4\r\nWiki\r\n",
                           "\n4\r\n",
                           "0\r\n\n",
                           "0\r\nX: y\n\r\n",
                           "4.0\r\n",
                           "4\t\r\n"})
    EXPECT_EQ(end_of(text), Event::kError) << text;
  EXPECT_EQ(end_of(std::string_view("4;a\0b\r\nWiki\r\n", 13)), Event::kError);
  EXPECT_EQ(end_of(std::string_view("4\0\r\nWiki\r\n", 10)), Event::kError);
}

TEST(Chunked, Row3SizesDoNotOverflow) {
  EXPECT_EQ(end_of("7fffffffffffffff\r\n"), Event::kNeedMore);
  EXPECT_EQ(end_of("8000000000000000\r\n"), Event::kError);
  EXPECT_EQ(end_of("ffffffffffffffff\r\n"), Event::kError);
  EXPECT_EQ(end_of("10000000000000004\r\nWiki\r\n"), Event::kError);
  EXPECT_EQ(end_of("0000000000000004\r\nWiki\r\n0\r\n\r\n"), Event::kEnd);
  EXPECT_EQ(end_of("00000000000000004\r\nWiki\r\n"), Event::kError);
}

TEST(Chunked, Row3ExtensionBytesAreBoundedOverTheWholeBody) {
  EXPECT_EQ(end_of("1;" + std::string(kChunkExtBytesMax - 2, 'a') + "\r\nx"), Event::kNeedMore);
  EXPECT_EQ(end_of("1;" + std::string(kChunkExtBytesMax, 'a')), Event::kError);
  std::string many;
  for (std::size_t i = 0; i * 99 < kChunkExtBytesMax; ++i)
    many += "1;" + std::string(98, 'a') + "\r\nx\r\n";
  EXPECT_EQ(end_of(many), Event::kError);
}

TEST(Chunked, Row12TrailersAreBoundedAndForbiddenOnesDropped) {
  EXPECT_EQ(
      decode("0\r\nContent-Length: 5\r\nX: y\r\nHost: b\r\nSet-Cookie: c\r\ngrpc-status: 0\r\n\r\n")
          .trailers,
      "X=y|grpc-status=0|");
  std::string fields = "0\r\n";
  for (std::uint32_t i = 0; i < kTrailerFieldsMax; ++i) fields += "X: y\r\n";
  EXPECT_EQ(end_of(fields + "\r\n"), Event::kEnd);
  EXPECT_EQ(end_of(fields + "X: y\r\n\r\n"), Event::kError);
  EXPECT_EQ(end_of("0\r\nX: " + std::string(kTrailerBytesMax, 'a')), Event::kError);
  for (const char* line : {"X : y", " X: y", "X", "X: y\r\n z", "X: a\x01", ": y", "X: a\rb"})
    EXPECT_EQ(end_of("0\r\n" + std::string(line) + "\r\n\r\n"), Event::kError) << line;
  EXPECT_EQ(end_of(std::string_view("0\r\nX: a\0\r\n\r\n", 12)), Event::kError);
}

TEST(Chunked, ADecoderCanBeUsedAgain) {
  ChunkedDecoder decoder;
  std::string_view input = "0\r\nX: y\r\n\r\n";
  ASSERT_EQ(decoder.next(input).event, Event::kEnd);
  ASSERT_EQ(decoder.trailers().size(), 1U);
  decoder.reset();
  EXPECT_TRUE(decoder.trailers().empty());
  input = "zz";
  ASSERT_EQ(decoder.next(input).event, Event::kError);
  decoder.reset();
  EXPECT_TRUE(decoder.error().empty());
  input = "1\r\na\r\n0\r\n\r\n";
  ASSERT_EQ(decoder.next(input).data, "a");
  EXPECT_EQ(decoder.next(input).event, Event::kEnd);
}

std::string encode(std::string_view data, Prng& prng, std::string_view trailers) {
  std::string out;
  while (!data.empty()) {
    const std::size_t size = std::min<std::size_t>(data.size(), 1 + prng.below(40));
    append_chunk_head(out, size);
    if (prng.below(4) == 0) out.insert(out.size() - 2, ";e=\"v\"");
    out.append(data.substr(0, size)).append(kCrlf);
    data.remove_prefix(size);
  }
  return out.append("0\r\n").append(trailers).append(kCrlf);
}

TEST(Chunked, EncodedAndSplitAnywhereItDecodesToTheSame) {
  Prng prng(23);
  for (int round = 0; round < 60; ++round) {
    std::string data;
    for (std::uint64_t n = prng.below(150); n > 0; --n) data += static_cast<char>(prng.below(256));
    const std::string text = encode(data, prng, round % 2 ? "X-A: b\r\n" : "") + "next";
    const Decoded expected{Event::kEnd, data, round % 2 ? "X-A=b|" : "", "next"};
    std::vector<std::size_t> every;
    for (std::size_t stop = 0; stop < text.size(); ++stop) {
      every.push_back(stop);
      ASSERT_EQ(decode(text, {stop}), expected) << stop;
    }
    ASSERT_EQ(decode(text, every), expected) << "byte by byte";
  }
}

TEST(Chunked, GarbageIsDecidedTheSameHoweverItIsSplit) {
  constexpr std::string_view kAlphabet = "0123af;\r\n\r\n\r\n: x";
  Prng prng(29);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (std::uint64_t n = prng.below(40); n > 0; --n)
      text += kAlphabet[prng.below(kAlphabet.size())];
    std::vector<std::size_t> stops;
    for (std::size_t stop = 0; stop < text.size(); ++stop)
      if (prng.below(3) == 0) stops.push_back(stop);
    ASSERT_EQ(decode(text, stops), decode(text)) << text;
  }
}

TEST(Writer, PiecesAreWrittenAsTheStandardSpellsThem) {
  std::string out;
  append_request_line(out, "GET", "/x");
  append_field(out, "Host", "a");
  append_status_line(out, 404, "");
  append_status_line(out, 200, "Fine");
  append_status_line(out, 299, "");
  append_chunk_head(out, 8000);
  EXPECT_EQ(out,
            "GET /x HTTP/1.1\r\nHost: a\r\nHTTP/1.1 404 Not Found\r\nHTTP/1.1 200 Fine\r\nHTTP/1.1 "
            "299 \r\n1f40\r\n");
}

}  // namespace
}  // namespace headgate::wire::http1
