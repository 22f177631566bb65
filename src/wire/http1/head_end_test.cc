#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/prng.h"
#include "wire/http1/head.h"
#include "wire/http1/scan.h"

namespace headgate::wire::http1 {
namespace {

struct Found {
  int status = 0;  // 0: no error
  std::size_t length = 0;
  friend bool operator==(const Found&, const Found&) = default;
};

Found of(const std::expected<std::optional<std::size_t>, HeadError>& result) {
  if (!result) return {result.error().status, 0};
  return {0, result->value_or(0)};
}

Found one_shot(std::string_view text, const HeadLimits& limits) {
  std::size_t scanned = 0;
  return of(find_head_end(text, scanned, limits));
}

// Feeds the prefixes that end at `stops`, then the whole; the first decision stands.
Found in_steps(std::string_view text, const std::vector<std::size_t>& stops,
               const HeadLimits& limits) {
  std::size_t scanned = 0;
  for (const std::size_t stop : stops) {
    const std::string copy(text.substr(0, stop));  // its own memory: a read past the end is seen
    const Found found = of(find_head_end(copy, scanned, limits));
    if (found != Found{}) return found;
  }
  return of(find_head_end(text, scanned, limits));
}

std::vector<std::string> samples() {
  return {
      "GET / HTTP/1.1\r\nHost: a\r\n\r\n",
      "\r\nGET / HTTP/1.1\r\nHost: a\r\nX: a longer value than sixteen bytes\r\n\r\nbody\r\n\r\n",
      "GET / HTTP/1.1\r\nHost: a\nX: y\r\n\r\n",
      "GET / HTTP/1.1\r\n\n",
      std::string("GET / HTTP/1.1\r\nX: a\0b\r\n\r\n", 26),
      " GET / HTTP/1.1\r\n\r\n",
      "\r\n\r\nGET / HTTP/1.1\r\n\r\n",
      "\r\n\nGET / HTTP/1.1\r\n\r\n",
      "\rGET / HTTP/1.1\r\n\r\n",
      "\n\n",
      "\x16\x03\x01\x02",
      "GET / HTTP/1.1\r\nX: " + std::string(200, 'x') + "\r\n\r\n",
      "GET /" + std::string(200, 'x')};
}

TEST(FindHeadEnd, EverySplitInTwoEqualsOneShot) {
  for (const std::uint32_t bytes_max : {32768U, 64U, 28U})
    for (const std::string& text : samples()) {
      const HeadLimits limits{.head_bytes_max = bytes_max};
      const Found expected = one_shot(text, limits);
      for (std::size_t stop = 0; stop <= text.size(); ++stop)
        ASSERT_EQ(in_steps(text, {stop}, limits), expected) << text << " at " << stop;
    }
}

TEST(FindHeadEnd, ByteByByteAndAtRandomEqualsOneShot) {
  constexpr std::string_view kAlphabet = "a:\r\n\r\n \r\n";
  Prng prng(11);
  for (int round = 0; round < 20000; ++round) {
    std::string text = round % 2 ? "G" : "";
    for (std::uint64_t n = prng.below(48); n > 0; --n)
      text += kAlphabet[prng.below(kAlphabet.size())];
    const HeadLimits limits{.head_bytes_max = round % 3 ? 32768U : 24U};
    std::vector<std::size_t> stops;
    for (std::size_t stop = 0; stop < text.size(); ++stop)
      if (round % 5 == 0 || prng.below(3) == 0) stops.push_back(stop);
    ASSERT_EQ(in_steps(text, stops, limits), one_shot(text, limits)) << text;
  }
}

TEST(FindHeadEnd, WhatCanNeverBecomeAHeadIsRefusedAtItsFirstByte) {
  for (const char* text : {" ", "\t", "\x16", "(", "\r\n ", "\x80"})
    EXPECT_EQ(one_shot(text, {}).status, 400) << text;
  for (const char* text : {"", "\r", "\r\n", "G", "\r\nG"})
    EXPECT_EQ(one_shot(text, {}), Found{}) << text;
}

TEST(FindHeadEnd, TwoEmptyLinesInFrontAreRefusedWithoutWaitingForMore) {
  EXPECT_EQ(one_shot("\r\n\r\n", {}).status, 400);
  EXPECT_EQ(one_shot("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n", {}).status, 400);
}

TEST(FindHeadEnd, ASlowPeerIsNotScannedTwice) {
  std::string text = "GET / HTTP/1.1\r\n";
  std::size_t scanned = 0;
  ASSERT_EQ(of(find_head_end(text, scanned, {})), Found{});
  EXPECT_EQ(scanned, text.size());
}

// The vector paths against the tables, with the odd byte at every place of every alignment.
TEST(Scan, VectorsAndTablesAgree) {
  for (std::size_t size = 0; size < 50; ++size)
    for (int c = 0; c < 256; ++c) {
      std::string text(size, 'a');
      text += static_cast<char>(c);
      text += "bbbbbbbbbbbbbbbbbbbbb";
      const char* const begin = text.data();
      const char* const end = begin + text.size();
      const char odd = static_cast<char>(c);
      ASSERT_EQ(skip_field_value(begin, end), http::is_field_value_char(odd) ? end : begin + size)
          << c;
      ASSERT_EQ(skip_target(begin, end), is_target_char(odd) ? end : begin + size) << c;
      ASSERT_EQ(skip_token(begin, end), http::is_token_char(odd) ? end : begin + size) << c;
      std::size_t marks = 0;
      for_each_line_mark(begin, begin, end, [&](std::size_t at) { return marks += at + 1, true; });
      ASSERT_EQ(marks, c == '\n' || c == 0 ? size + 1 : 0U) << c;
    }
}

}  // namespace
}  // namespace headgate::wire::http1
