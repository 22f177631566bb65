#include "net/response.h"

#include <gtest/gtest.h>

namespace headgate::bench {
namespace {

using State = ResponseReader::State;

constexpr std::string_view kAnswer =
    "HTTP/1.1 200 OK\r\nserver: x\r\ncontent-length:  5\r\nConnection: close\r\n\r\nhello";

TEST(ResponseReader, CompletesHoweverTheBytesAreCut) {
  for (std::size_t piece = 1; piece <= kAnswer.size(); ++piece) {
    ResponseReader reader;
    for (std::size_t at = 0; at < kAnswer.size(); at += piece) {
      EXPECT_NE(reader.state(), State::kComplete);
      reader.feed(kAnswer.substr(at, piece));
    }
    EXPECT_EQ(reader.state(), State::kComplete) << "pieces of " << piece;
    EXPECT_EQ(reader.status(), 200);
    EXPECT_TRUE(reader.closes());
  }
}

TEST(ResponseReader, BeginsAnewAfterReset) {
  ResponseReader reader;
  reader.feed(kAnswer);
  reader.reset();
  EXPECT_EQ(reader.feed("HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"), State::kComplete);
  EXPECT_EQ(reader.status(), 404);
  EXPECT_FALSE(reader.closes());
}

TEST(ResponseReader, RefusesAnswersItCannotMeasure) {
  const auto state_after = [](std::string_view bytes) { return ResponseReader().feed(bytes); };
  EXPECT_EQ(state_after("HTTP/1.1 200 OK\r\n\r\n"), State::kMalformed) << "no length";
  EXPECT_EQ(state_after("HTTP/1.1 200 OK\r\nX-Content-Length: 3\r\n\r\nabc"), State::kMalformed);
  EXPECT_EQ(state_after("SSH-2.0\r\nContent-Length: 0\r\n\r\n"), State::kMalformed);
  EXPECT_EQ(state_after("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n"), State::kMalformed);
  EXPECT_EQ(state_after("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nab"), State::kMalformed);
  EXPECT_EQ(state_after(std::string(ResponseReader::kHeadBytesMax, 'a')), State::kMalformed);
}

TEST(ResponseReader, RefusesBytesAfterTheEnd) {
  ResponseReader reader;
  reader.feed(kAnswer);
  EXPECT_EQ(reader.feed("x"), State::kMalformed);
}

}  // namespace
}  // namespace headgate::bench
