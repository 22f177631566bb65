#include "wire/content_coding/encoder.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "wire/content_coding/decode_for_test.h"

namespace headgate::wire::content_coding {
namespace {

constexpr Coding kAll[] = {Coding::kGzip, Coding::kBrotli, Coding::kZstd};

// Words that repeat, with noise between them.
std::string body(Prng& random, std::size_t size) {
  std::string out;
  while (out.size() < size) {
    if (random.below(4) == 0) {
      for (int i = 0; i < 8; ++i) out += static_cast<char>(random.next());
    } else {
      out += "<li class=\"row\">" + std::to_string(random.below(50)) + "</li>\n";
    }
  }
  out.resize(size);
  return out;
}

std::string encode_whole(Encoder& encoder, std::string_view text) {
  std::string out;
  EXPECT_TRUE(encoder.append(text, true, Flush::kNone, out));
  return out;
}

TEST(Encoder, any_split_with_any_flushes_decodes_to_the_same_text) {
  Prng random(1);
  for (const Coding coding : kAll) {
    auto encoder = Encoder::make(coding);
    ASSERT_TRUE(encoder);
    for (int round = 0; round < 40; ++round) {
      const std::string text = body(random, random.below(round % 8 == 0 ? 300'000 : 5'000));
      TestDecoder decoder(coding);
      std::string_view rest = text;
      while (!encoder->ended()) {
        const std::string_view piece =
            rest.substr(0, random.below(1 + text.size() / (1 + random.below(9))));
        rest.remove_prefix(piece.size());
        const bool end = rest.empty() && random.below(2) == 0;
        const Flush flush = random.below(3) == 0 ? Flush::kBlock : Flush::kNone;
        std::string out;
        ASSERT_TRUE(encoder->append(piece, end, flush, out));
        decoder.feed(out);
        if (flush == Flush::kBlock) {
          ASSERT_EQ(decoder.text.size(), text.size() - rest.size());
        }
      }
      EXPECT_EQ(decoder.text, text);
      EXPECT_TRUE(decoder.ended);
      ASSERT_TRUE(encoder->reset());
    }
  }
}

TEST(Encoder, every_level_decodes_and_levels_outside_are_refused) {
  Prng random(2);
  const std::string text = body(random, 20'000);
  for (const Coding coding : kAll) {
    const Levels levels = levels_of(coding);
    for (int level = levels.low; level <= levels.high; ++level) {
      auto encoder = Encoder::make(coding, level);
      ASSERT_TRUE(encoder);
      TestDecoder decoder(coding);
      const std::string out = encode_whole(*encoder, text);
      decoder.feed(out);
      EXPECT_EQ(decoder.text, text);
      EXPECT_LT(out.size(), text.size() * 3 / 4);
    }
    EXPECT_FALSE(Encoder::make(coding, levels.low - 1));
    EXPECT_FALSE(Encoder::make(coding, levels.high + 1));
  }
  EXPECT_FALSE(Encoder::make(Coding::kIdentity, 0));
}

TEST(Encoder, memory_stays_within_its_bound_whatever_the_body) {
  Prng random(3);
  const std::string text = body(random, 3'000'000);
  for (const Coding coding : kAll) {
    auto encoder = Encoder::make(coding);
    ASSERT_TRUE(encoder);
    std::size_t most = 0, sent = 0;
    std::string out;
    for (std::string_view rest = text; !rest.empty();
         rest.remove_prefix(std::min<std::size_t>(rest.size(), 16384))) {
      out.clear();
      ASSERT_TRUE(encoder->append(rest.substr(0, 16384), false, Flush::kNone, out));
      most = std::max(most, encoder->memory_bytes());
      sent += out.size();
    }
    RecordProperty(std::string(to_string(coding)), static_cast<int>(most));
    EXPECT_LE(most, memory_bytes_max(coding)) << to_string(coding);
    EXPECT_GT(most, memory_bytes_max(coding) / 10 * 9)
        << to_string(coding) << ": the bound says nothing";
    EXPECT_LT(sent, text.size());
  }
}

TEST(Encoder, a_reset_in_the_middle_forgets_the_old_body) {
  for (const Coding coding : kAll) {
    auto encoder = Encoder::make(coding);
    ASSERT_TRUE(encoder);
    const std::string first = encode_whole(*encoder, "hello, hello, hello");
    ASSERT_TRUE(encoder->reset());
    std::string dropped;
    ASSERT_TRUE(encoder->append("something that is never finished", false, Flush::kBlock, dropped));
    ASSERT_TRUE(encoder->reset());
    EXPECT_EQ(encode_whole(*encoder, "hello, hello, hello"), first);
  }
}

TEST(Encoder, noise_grows_by_little) {
  Prng random(4);
  std::string noise;
  for (int i = 0; i < 2'500'000; ++i) noise += static_cast<char>(random.next());
  for (const Coding coding : kAll) {
    auto encoder = Encoder::make(coding);
    ASSERT_TRUE(encoder);
    const std::string out = encode_whole(*encoder, noise);
    EXPECT_LT(out.size(), noise.size() + noise.size() / 500 + 64);
    TestDecoder decoder(coding);
    decoder.feed(out);
    EXPECT_EQ(decoder.text, noise);
  }
}

TEST(Encoder, an_empty_body_is_a_complete_stream) {
  for (const Coding coding : kAll) {
    auto encoder = Encoder::make(coding);
    ASSERT_TRUE(encoder);
    TestDecoder decoder(coding);
    decoder.feed(encode_whole(*encoder, ""));
    EXPECT_TRUE(decoder.ended && decoder.text.empty());
  }
}

}  // namespace
}  // namespace headgate::wire::content_coding
