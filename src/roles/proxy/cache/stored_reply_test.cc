#include "roles/proxy/cache/stored_reply.h"

#include <gtest/gtest.h>

#include "base/prng.h"
#include "store/memory/store.h"

namespace headgate::proxy {
namespace {

using store::memory::Body;
using store::memory::BodyState;
using store::memory::Budget;
using store::memory::Ref;
using wire::http::ByteRange;
using wire::http::ByteRanges;

struct Reading : store::memory::Wakeable {
  Budget budget{1 << 30};
  store::memory::WakeQueue queue{[] {}};
  int woken = 0;
  virtual ~Reading() = default;
  void on_wake() override { ++woken; }

  Ref<Body> body(std::string_view bytes, std::optional<std::uint64_t> expected = std::nullopt) {
    Ref<Body> made = Body::create(budget, expected);
    made->append(bytes);
    return made;
  }
};

class StoredReplies : public testing::Test, protected Reading {
 protected:
  // Takes pieces until there is none to take; sets `end` to what stopped it.
  std::string take(StoredReply& reply, StoredReply::Piece::Kind& end) {
    std::string out;
    for (;;) {
      const StoredReply::Piece piece = reply.next();
      end = piece.kind;
      if (piece.kind != StoredReply::Piece::Kind::kBytes) return out;
      out.append(piece.bytes).append(piece.more);
      const bool is_last = piece.is_last;
      reply.pass(piece);
      if (!is_last) continue;
      end = StoredReply::Piece::Kind::kEnd;
      return out;
    }
  }
};

std::string text_of(std::size_t bytes, std::uint64_t seed) {
  Prng prng(seed);
  std::string out(bytes, ' ');
  for (char& c : out) c = static_cast<char>('a' + prng.below(26));
  return out;
}

TEST_F(StoredReplies, AWholeBodyOfKnownLengthEndsWithItsLastByte) {
  const std::string content = text_of(200'000, 1);
  Ref<Body> stored = body(content, content.size());
  stored->finish(BodyState::kComplete);
  StoredReply reply;
  reply.whole(stored, content.size());
  reply.open(queue, *this);
  StoredReply::Piece::Kind end;
  EXPECT_EQ(take(reply, end), content);
  EXPECT_EQ(end, StoredReply::Piece::Kind::kEnd);
}

TEST_F(StoredReplies, ABodyThatFillsIsReadAsItComesAndEndsWhenItIsComplete) {
  Ref<Body> stored = body("one ");
  StoredReply reply;
  reply.whole(stored, std::nullopt);
  reply.open(queue, *this);
  StoredReply::Piece::Kind end;
  EXPECT_EQ(take(reply, end), "one ");
  EXPECT_EQ(end, StoredReply::Piece::Kind::kWait);
  EXPECT_TRUE(reply.wait());
  stored->append("two");
  queue.drain();
  EXPECT_EQ(woken, 1);
  EXPECT_EQ(take(reply, end), "two");
  EXPECT_EQ(end, StoredReply::Piece::Kind::kWait);
  stored->finish(BodyState::kComplete);
  EXPECT_EQ(take(reply, end), "");
  EXPECT_EQ(end, StoredReply::Piece::Kind::kEnd);
}

TEST_F(StoredReplies, ABodyThatEndsEarlyIsCutWhateverItsLength) {
  for (const auto length : {std::optional<std::uint64_t>(), std::optional<std::uint64_t>(10)}) {
    Ref<Body> stored = body("half");
    stored->finish(BodyState::kFailed);
    StoredReply reply;
    reply.whole(stored, length);
    reply.open(queue, *this);
    StoredReply::Piece::Kind end;
    take(reply, end);
    EXPECT_EQ(end, StoredReply::Piece::Kind::kCut);
  }
}

TEST_F(StoredReplies, ACompleteBodyShorterThanItsLengthIsCut) {
  Ref<Body> stored = body("half");
  stored->finish(BodyState::kComplete);
  StoredReply reply;
  reply.whole(stored, 10);
  reply.open(queue, *this);
  StoredReply::Piece::Kind end;
  EXPECT_EQ(take(reply, end), "half");
  EXPECT_EQ(end, StoredReply::Piece::Kind::kCut);
}

// Against the obvious: cut the ranges out of the text. Bodies fill in steps, ranges lie anywhere
// and in any order.
TEST_F(StoredReplies, RangesAreThePartsOfTheBodyInTheOrderAskedFor) {
  for (std::uint64_t seed = 0; seed < 300; ++seed) {
    Prng prng(seed);
    const std::string content = text_of(1 + prng.below(150'000), seed);
    ByteRanges ranges;
    std::string expected;
    const wire::http::Multipart multipart{"edge", "text/x", content.size()};
    const std::size_t count = 1 + prng.below(5);
    for (std::size_t i = 0; i < count; ++i) {
      const std::uint64_t first = prng.below(content.size());
      const ByteRange range{first, first + prng.below(content.size() - first)};
      ranges.push(range);
      if (count > 1) wire::http::append_part_head(expected, multipart, range, i == 0);
      expected += content.substr(range.first, range.size());
    }
    if (count > 1) wire::http::append_multipart_end(expected, multipart.boundary);
    Ref<Body> stored = body({}, prng.below(2) ? std::optional(content.size()) : std::nullopt);
    StoredReply reply;
    reply.ranges(stored, ranges);
    if (count > 1) reply.multipart(multipart);
    reply.open(queue, *this);
    std::string got;
    StoredReply::Piece::Kind end = StoredReply::Piece::Kind::kWait;
    for (std::size_t at = 0; at < content.size();) {
      const std::size_t step = std::min<std::size_t>(1 + prng.below(40'000), content.size() - at);
      stored->append(std::string_view(content).substr(at, step));
      at += step;
      if (end == StoredReply::Piece::Kind::kWait) got += take(reply, end);
    }
    stored->finish(BodyState::kComplete);
    if (end == StoredReply::Piece::Kind::kWait) got += take(reply, end);
    EXPECT_EQ(end, StoredReply::Piece::Kind::kEnd) << seed;
    ASSERT_EQ(got, expected) << seed;
  }
}

}  // namespace
}  // namespace headgate::proxy
