// Any bytes as a segment: records that lie in it one behind the other, or none; never a crash.
// Heads whose first byte asks for it get their checksum made right, since no guessing would.
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "store/disk/checksum.h"
#include "store/disk/little_endian.h"
#include "store/disk/segment_scan.h"
#include "store/disk/testing/memory_files.h"

namespace {

using namespace headgate::store::disk;

constexpr std::uint64_t kDirectory = 1, kNumber = 2, kSalt = 3;

void seal_head(char* at, std::uint32_t unit) {
  put_number(at + 4, std::uint32_t{0x43524748});
  put_number(at + 8, kSalt);
  put_number(at + 16, Place{kNumber, unit}.sequence());
  at[60] = 1;
  at[63] = 0;
  RecordHead head;
  head.stamps = static_cast<std::uint8_t>(at[62]);
  head.body_bytes = get_number<std::uint32_t>(at + 72);
  head.head_bytes = get_number<std::uint32_t>(at + 76);
  head.key_bytes = get_number<std::uint32_t>(at + 80);
  head.selector_bytes = get_number<std::uint16_t>(at + 84);
  head.metadata_bytes = get_number<std::uint16_t>(at + 86);
  put_number(at + 92, head.units());
  put_number(at, crc32c({at + 4, kRecordHeadBytes - 4}));
}

void check_record(const ScannedRecord& record, const std::string& bytes) {
  HG_CHECK(record.location.plausible(), "it lies within a segment");
  HG_CHECK(record.head.body_bytes <= kBodyBytesMax, "within the limits");
  const std::size_t at = record.location.offset();
  if (at + record.head.prefix_bytes() > bytes.size()) return;  // the padding of the last one
  const std::string_view prefix(bytes.data() + at, record.head.prefix_bytes());
  if (const auto parts = decode_prefix(record.head, prefix)) {
    HG_CHECK(parts->stamps.size() == record.head.stamps * 8u, "each part has its length");
    HG_CHECK(parts->head.size() == record.head.head_bytes, "each part has its length");
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size > 1 << 18) return 0;
  MemoryFiles files;
  const std::string name = segment_name(kNumber);
  HG_CHECK(Segment::create(files, kDirectory, kNumber, kSalt, 1 << 20).has_value(), "it is new");
  std::string bytes = files.bytes_of(name);
  bytes.append(reinterpret_cast<const char*>(data), size);
  for (std::size_t at = kUnitBytes; at + kRecordHeadBytes <= bytes.size(); at += kUnitBytes)
    if (bytes[at] == 'R') seal_head(bytes.data() + at, static_cast<std::uint32_t>(at / kUnitBytes));
  files.set(name, bytes);
  const auto segment = Segment::open(files, kDirectory, kNumber);
  HG_CHECK(segment.has_value(), "its head is right");
  SegmentScan scan(**segment, 0);
  std::uint64_t free_from = kUnitBytes;
  while (const auto record = scan.next()) {
    HG_CHECK(record->location.offset() >= free_from, "one behind the other");
    free_from = record->location.offset() + record->location.units() * kUnitBytes;
    HG_CHECK(free_from <= (*segment)->end(), "within the segment");
    check_record(*record, bytes);
  }
  return 0;
}
