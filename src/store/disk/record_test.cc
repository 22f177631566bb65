#include "store/disk/record.h"

#include <gtest/gtest.h>

#include <vector>

#include "store/disk/checksum.h"
#include "store/disk/slice.h"

namespace headgate::store::disk {
namespace {

constexpr std::uint64_t kSalt = 0x1122334455667788;
constexpr std::uint64_t kSequence = 77;

struct Sample {
  std::vector<std::uint64_t> stamps = {1, 2, 0xffffffffffffffff};
  std::string body = std::string(kBlockBytes, 'a') + "rest";
  std::vector<std::string_view> pieces = {std::string_view(body).substr(0, 10),
                                          std::string_view(body).substr(10)};
  RecordContent content{RecordKind::kObject, {{1, 2}, {3, 4}}, {123}, stamps, "meta", "key",
                        "selector",          "head of it",     pieces};
};

TEST(Checksum, IsTheOneOfTheStandardWithAndWithoutTheInstruction) {
  EXPECT_EQ(crc32c("123456789"), 0xe3069283u);
  EXPECT_EQ(crc32c(std::string(32, '\0')), 0x8a9136aau) << "RFC 3720, B.4";
  EXPECT_EQ(crc32c(std::string(32, '\xff')), 0x62a8ab43u) << "RFC 3720, B.4";
  std::string text;
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(crc32c(text, 7), detail::crc32c_by_table(text, 7));
    text.push_back(static_cast<char>(i * 37));
  }
  EXPECT_EQ(crc32c(text.substr(9), crc32c(text.substr(0, 9))), crc32c(text));
}

TEST(Record, ReadsBackAsItWasWritten) {
  const Sample sample;
  const std::string bytes = encode_prefix(sample.content, kSalt, kSequence);
  const auto head = decode_record_head(bytes, kSalt, kSequence);
  ASSERT_TRUE(head);
  EXPECT_EQ(head->id, sample.content.id);
  EXPECT_EQ(head->expires_at.ns, 123);
  EXPECT_EQ(head->body_bytes, kBlockBytes + 4);
  EXPECT_EQ(head->prefix_bytes(), bytes.size());
  EXPECT_EQ(head->units(), (bytes.size() + kBlockBytes + 4 + kUnitBytes - 1) / kUnitBytes);
  const auto prefix = decode_prefix(*head, bytes);
  ASSERT_TRUE(prefix);
  EXPECT_EQ(prefix->metadata, "meta");
  EXPECT_EQ(prefix->key, "key");
  EXPECT_EQ(prefix->selector, "selector");
  EXPECT_EQ(prefix->head, "head of it");
  EXPECT_EQ(prefix->stamp(2), 0xffffffffffffffff);
  EXPECT_EQ(prefix->block_checksum(0),
            block_checksum(kSalt, kSequence, 0, sample.body.substr(0, kBlockBytes)));
  EXPECT_EQ(prefix->block_checksum(1), block_checksum(kSalt, kSequence, 1, "rest"));
  EXPECT_NE(prefix->block_checksum(1), block_checksum(kSalt, kSequence, 0, "rest"))
      << "a block does not pass for another";
}

TEST(Record, EveryFlippedBitOfThePrefixIsSeen) {
  const Sample sample;
  std::string bytes = encode_prefix(sample.content, kSalt, kSequence);
  for (std::size_t bit = 0; bit < bytes.size() * 8; ++bit) {
    bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
    const auto head = decode_record_head(bytes, kSalt, kSequence);
    EXPECT_FALSE(head && decode_prefix(*head, bytes)) << "bit " << bit;
    bytes[bit / 8] ^= static_cast<char>(1 << (bit % 8));
  }
}

TEST(Record, BelongsToItsSegmentAndItsPlaceAlone) {
  const Sample sample;
  const std::string bytes = encode_prefix(sample.content, kSalt, kSequence);
  EXPECT_FALSE(decode_record_head(bytes, kSalt + 1, kSequence));
  EXPECT_FALSE(decode_record_head(bytes, kSalt, kSequence + 1));
  EXPECT_FALSE(decode_record_head(bytes.substr(0, kRecordHeadBytes - 1), kSalt, kSequence));
}

TEST(Record, ABodyOfWholeBlocksHasNoEmptyOne) {
  const std::string body(2 * kBlockBytes, 'x');
  const std::string_view pieces[] = {body};
  RecordContent content;
  content.body = pieces;
  const std::string bytes = encode_prefix(content, kSalt, kSequence);
  EXPECT_EQ(bytes.size(), kRecordHeadBytes + 8);
  content.body = {};
  EXPECT_EQ(encode_prefix(content, kSalt, kSequence).size(), kRecordHeadBytes);
}

TEST(Record, WhatIsTooLongIsNotWithinLimits) {
  RecordContent content;
  EXPECT_TRUE(content.within_limits());
  const std::string metadata(kMetadataBytesMax + 1, 'x');
  content.metadata = metadata;
  EXPECT_FALSE(content.within_limits());
  content.metadata = {};
  const std::vector<std::uint64_t> stamps(kStampsMax + 1);
  content.stamps = stamps;
  EXPECT_FALSE(content.within_limits());
}

TEST(Slice, ARangeIsCutAtTheSlicesItTouches) {
  EXPECT_EQ(first_part(0, 10), (SlicePart{0, 0, 10}));
  EXPECT_EQ(first_part(kSliceBytes - 1, 10), (SlicePart{0, kSliceBytes - 1, 1}));
  EXPECT_EQ(first_part(5 * kSliceBytes + 7, 2 * kSliceBytes), (SlicePart{5, 7, kSliceBytes - 7}));
}

TEST(ObjectId, EveryPartMovesTheFingerprint) {
  const ObjectId id{{1, 2}, {3, 4}};
  for (const ObjectId& other :
       {ObjectId{{9, 2}, {3, 4}}, ObjectId{{1, 9}, {3, 4}}, ObjectId{{1, 2}, {9, 4}},
        ObjectId{{1, 2}, {3, 9}}, ObjectId{{3, 4}, {1, 2}}})
    EXPECT_NE(fingerprint(id), fingerprint(other));
  EXPECT_EQ(fingerprint(id), 6469057865590791870u)
      << "it lies on disks: a change of it is a new format version";
}

}  // namespace
}  // namespace headgate::store::disk
