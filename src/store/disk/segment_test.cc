#include "store/disk/segment.h"

#include <gtest/gtest.h>

#include <vector>

#include "store/disk/segment_scan.h"
#include "store/disk/testing/memory_files.h"

namespace headgate::store::disk {
namespace {

constexpr std::uint64_t kDirectory = 42;
constexpr std::uint64_t kNumber = 7;

ObjectId id_of(std::uint64_t number) { return {{number, 1}, {2, 3}}; }

Location append(Segment& segment, std::uint64_t number, std::string_view body) {
  const std::string_view pieces[] = {body};
  RecordContent content;
  content.id = id_of(number);
  content.body = pieces;
  const Place place{segment.number(), static_cast<std::uint32_t>(segment.end() / kUnitBytes)};
  const std::string prefix = encode_prefix(content, segment.salt(), place.sequence());
  const std::string_view written[] = {prefix, body};
  EXPECT_TRUE(segment.append(written, prefix.size() + body.size()));
  return {place, head_of(content, 0, 0).units()};
}

std::vector<std::uint64_t> scanned(const Segment& segment, std::uint32_t from = 0) {
  std::vector<std::uint64_t> found;
  SegmentScan scan(segment, from);
  while (const auto record = scan.next()) found.push_back(record->head.id.primary.low);
  return found;
}

struct SegmentTest : ::testing::Test {
  MemoryFiles files;
  const std::string name = segment_name(kNumber);
  std::shared_ptr<Segment> segment =
      Segment::create(files, kDirectory, kNumber, 99, 1 << 20).value();

  std::shared_ptr<Segment> reopened() {
    auto again = Segment::open(files, kDirectory, kNumber);
    EXPECT_TRUE(again) << again.error().message;
    return again ? *again : nullptr;
  }
};

TEST(SegmentName, IsReadBackAndNothingElseIs) {
  EXPECT_EQ(segment_name(0xabc), "segment-0000000000000abc");
  EXPECT_EQ(segment_number("segment-0000000000000abc"), 0xabcu);
  for (const char* name : {"segment-", "segment-0000000000000000", "segment-abc", "checkpoint",
                           "segment-ffffffffffffffff", "segment-0000000000000abg"})
    EXPECT_FALSE(segment_number(name)) << name;
}

TEST_F(SegmentTest, ScansWhatWasAppendedInOrder) {
  const std::string large(300'000, 'x');
  append(*segment, 1, "small");
  append(*segment, 2, large);
  append(*segment, 3, "");
  const Location last = append(*segment, 4, "tail");
  EXPECT_EQ(scanned(*reopened()), (std::vector<std::uint64_t>{1, 2, 3, 4}));
  EXPECT_EQ(scanned(*reopened(), last.unit()), std::vector<std::uint64_t>{4});
  EXPECT_EQ(reopened()->end(), segment->end());
}

TEST_F(SegmentTest, ADamagedHeadCostsItsOwnRecordAlone) {
  append(*segment, 1, "one");
  const Location second = append(*segment, 2, std::string(1000, 'y'));
  append(*segment, 3, "three");
  files.flip_bit(name, second.offset() + 30);
  SegmentScan scan(*segment, 0);
  EXPECT_EQ(scan.next()->head.id, id_of(1));
  EXPECT_EQ(scan.next()->head.id, id_of(3));
  EXPECT_FALSE(scan.next());
  EXPECT_EQ(scan.units_skipped(), second.units());
}

TEST_F(SegmentTest, ATruncatedRecordIsPassedOver) {
  append(*segment, 1, "one");
  const Location second = append(*segment, 2, std::string(1000, 'y'));
  std::string bytes = files.bytes_of(name);
  bytes.resize(second.offset() + 500);
  files.set(name, bytes);
  const auto again = reopened();
  EXPECT_EQ(scanned(*again), std::vector<std::uint64_t>{1});
  append(*again, 3, "goes on behind what is torn");
  EXPECT_EQ(scanned(*reopened()), (std::vector<std::uint64_t>{1, 3}));
}

TEST_F(SegmentTest, ABodyThatLooksLikeARecordIsNone) {
  RecordContent forged;
  forged.id = id_of(666);
  const Place place{kNumber, 3};
  std::string body(kUnitBytes, 'x');
  for (std::uint32_t unit = 1; unit < 40; ++unit) {  // wherever the body begins
    body += encode_prefix(forged, 12345, Place{kNumber, place.unit + unit}.sequence());
    body.resize((body.size() + kUnitBytes - 1) / kUnitBytes * kUnitBytes);
  }
  const Location first = append(*segment, 1, body);
  append(*segment, 2, "two");
  files.flip_bit(name, first.offset() + 20);
  EXPECT_EQ(scanned(*reopened()), std::vector<std::uint64_t>{2});
}

TEST_F(SegmentTest, AnotherDirectorysOrDamagedHeadIsRefused) {
  EXPECT_EQ(Segment::open(files, kDirectory + 1, kNumber).error().code, Code::kInvalid);
  for (std::size_t byte = 0; byte < kUnitBytes; ++byte) {
    files.flip_bit(name, byte, 5);
    EXPECT_EQ(Segment::open(files, kDirectory, kNumber).error().code, Code::kInvalid) << byte;
    files.flip_bit(name, byte, 5);
  }
  files.set(segment_name(8), files.bytes_of(name));
  EXPECT_EQ(Segment::open(files, kDirectory, 8).error().code, Code::kInvalid) << "a copy";
  files.set(name, "");
  EXPECT_EQ(Segment::open(files, kDirectory, kNumber).error().code, Code::kInvalid);
}

}  // namespace
}  // namespace headgate::store::disk
