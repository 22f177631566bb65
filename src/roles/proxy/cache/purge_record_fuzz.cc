// Any bytes as a journal of purges: what is read is what writing it again gives, and a torn end
// loses nothing before it. A first byte of 1 makes the rest one record with a right checksum.
#include <cstdint>
#include <string>

#include "base/check.h"
#include "roles/proxy/cache/purge_record.h"
#include "store/disk/checksum.h"
#include "store/disk/little_endian.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::proxy;
  namespace disk = headgate::store::disk;
  if (size == 0) return 0;
  const std::string_view rest(reinterpret_cast<const char*>(data) + 1, size - 1);
  std::string bytes(kPurgeJournalName);
  append_record(bytes, {});
  if (data[0] == 1) {
    const auto length = static_cast<std::uint32_t>(rest.size());
    bytes.append(8, '\0');
    disk::put_number(bytes.data() + bytes.size() - 8, length);
    disk::put_number(bytes.data() + bytes.size() - 4, disk::crc32c(rest, 0x70757267 + length));
  }
  bytes += rest;
  const PurgeJournalContent read = read_journal(bytes);
  HG_CHECK(!read.records.empty(), "the beginning is read");
  std::string again(kPurgeJournalName);
  for (const PurgeRecord& record : read.records) append_record(again, record);
  HG_CHECK(bytes.starts_with(again), "what is read is what was written");
  HG_CHECK(read_journal(again).records == read.records, "and reads the same");
  return 0;
}
