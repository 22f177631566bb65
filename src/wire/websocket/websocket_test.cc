#include "wire/websocket/websocket.h"

#include <gtest/gtest.h>

#include <initializer_list>
#include <vector>

#include "base/prng.h"

namespace headgate::wire::websocket {
namespace {

using namespace std::string_literals;

TEST(WebSocket, answers_the_key_of_the_rfc) {
  EXPECT_EQ(accept_of("dGhlIHNhbXBsZSBub25jZQ=="), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
}

TEST(WebSocket, a_key_is_base64_of_sixteen_bytes) {
  EXPECT_TRUE(is_valid_key("dGhlIHNhbXBsZSBub25jZQ=="));
  for (const char* bad :
       {"", "dGhlIHNhbXBsZSBub25jZQ", "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25jZXM=",
        "dGhlIHNhbXBsZSBub25j", "dGhlIHNhbXBsZSBub25j ZQ=", "dGhlIHNhbXBsZSBub25jZXMx"})
    EXPECT_FALSE(is_valid_key(bad)) << bad;
}

TEST(WebSocket, close_frames_carry_code_and_reason) {
  std::string out;
  append_close_to_client(out, kGoingAway, "bye");
  EXPECT_EQ(out, "\x88\x05\x03\xe9"s + "bye");
  out.clear();
  append_close_to_server(out, kGoingAway, "bye", {1, 2, 3, 4});
  EXPECT_EQ(out, "\x88\x85\1\2\3\4\x02\xeb\x61\x7d\x64"s);
}

TEST(WebSocket, a_reason_is_cut_at_a_character_and_left_out_when_it_is_no_text) {
  std::string out;
  append_close_to_client(out, 1000, std::string(122, 'x') + "\xc3\xa9y");
  EXPECT_EQ(out.size(), 2U + 2 + 122);
  for (const char* bad :
       {"\xff", "a\xc3", "\xe0\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xc0\xaf"}) {
    out.clear();
    append_close_to_client(out, 1000, bad);
    EXPECT_EQ(out, "\x88\x02\x03\xe8"s);
  }
  out.clear();
  append_close_to_client(out, 4999, "\xf0\x9f\x8c\x8a\xe2\x82\xac");
  EXPECT_EQ(out.size(), 2U + 2 + 7);
}

TEST(WebSocket, knows_the_codes_that_may_be_sent) {
  for (const std::uint16_t good :
       std::initializer_list<std::uint16_t>{1000, 1001, 1003, 1007, 1014, 3000, 4999})
    EXPECT_TRUE(is_sendable_code(good)) << good;
  for (const std::uint16_t bad :
       std::initializer_list<std::uint16_t>{0, 999, 1004, 1005, 1006, 1015, 2999, 5000})
    EXPECT_FALSE(is_sendable_code(bad)) << bad;
}

std::string frame(Prng& random, std::size_t size) {
  const bool masked = random.below(2) == 0;
  const char mask_bit = masked ? '\x80' : '\0';
  std::string out = "\x82";
  if (size < 126) {
    out += static_cast<char>(mask_bit | static_cast<char>(size));
  } else if (size < 65536) {
    out +=
        {static_cast<char>(mask_bit | 126), static_cast<char>(size >> 8), static_cast<char>(size)};
  } else {
    out += static_cast<char>(mask_bit | 127);
    for (int shift = 56; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift);
  }
  if (masked) out += "mask";
  return out + std::string(size, '\x88');
}

TEST(FrameWalk, finds_every_boundary_however_the_stream_is_split) {
  Prng random(1);
  std::string stream;
  std::vector<std::size_t> ends;
  for (int i = 0; i < 300; ++i) {
    const std::size_t sizes[] = {0,     1,    random.below(126), 125, 126, random.below(3000),
                                 65535, 65536};
    stream += frame(random, sizes[random.below(i < 280 ? 6 : 8)]);
    ends.push_back(stream.size());
  }
  FrameWalk walk;
  EXPECT_TRUE(walk.at_boundary());
  std::size_t at = 0;
  while (at < stream.size()) {
    const std::size_t size =
        std::min(stream.size() - at, 1 + random.below(random.below(8) == 0 ? 5000 : 20));
    const auto after = std::upper_bound(ends.begin(), ends.end(), at + size);
    const std::size_t expected =
        after == ends.begin() || *(after - 1) <= at ? FrameWalk::kNone : *(after - 1) - at;
    EXPECT_EQ(walk.advance(std::string_view(stream).substr(at, size)), expected);
    at += size;
    EXPECT_EQ(walk.at_boundary(), expected == size);
  }
  EXPECT_FALSE(walk.close_seen() || walk.failed());
}

TEST(FrameWalk, sees_a_close_and_an_impossible_length) {
  FrameWalk walk;
  EXPECT_EQ(walk.advance("\x82\1x\x88"s), 3U);
  EXPECT_FALSE(walk.close_seen());
  EXPECT_EQ(walk.advance("\0"s), 1U);
  EXPECT_TRUE(walk.close_seen());
  EXPECT_EQ(walk.advance("\x82\x7f\x80\0\0\0\0\0\0\0abc"s), FrameWalk::kNone);
  EXPECT_TRUE(walk.failed());
  EXPECT_FALSE(walk.at_boundary());
}

}  // namespace
}  // namespace headgate::wire::websocket
