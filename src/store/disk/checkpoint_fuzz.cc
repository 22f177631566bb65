// Any bytes as a checkpoint: entries that may be looked up, or none; never a crash, never more
// memory than the file is long. Checksums are made right where the first byte asks for it.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>

#include "base/check.h"
#include "base/hash.h"
#include "store/disk/checkpoint.h"
#include "store/disk/checksum.h"
#include "store/disk/little_endian.h"
#include "store/disk/testing/memory_files.h"

namespace {

using namespace headgate::store::disk;

constexpr std::size_t kHeadBytes = 64, kBlockEntryBytes = 65536;

void seal(std::string& bytes) {
  bytes.replace(0, 8, "HGCHKPNT");
  put_number(bytes.data() + 8, kFormatVersion);
  put_number(bytes.data() + 44, std::uint32_t{0});
  bytes.replace(56, 8, 8, '\0');
  put_number(bytes.data() + 12, crc32c({bytes.data() + 16, kHeadBytes - 16}));
  const auto nonce = get_number<std::uint64_t>(bytes.data() + 24);
  std::uint64_t block = 0;
  for (std::size_t at = kHeadBytes; at + 4 < bytes.size(); at += kBlockEntryBytes + 4) {
    const std::size_t length = std::min(kBlockEntryBytes, bytes.size() - at - 4);
    const auto seed = static_cast<std::uint32_t>(headgate::scramble64(nonce + block++));
    put_number(bytes.data() + at + length, crc32c({bytes.data() + at, length}, seed));
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > 1 << 18) return 0;
  std::string bytes(reinterpret_cast<const char*>(data + 1), size - 1);
  if (data[0] != 0 && bytes.size() >= kHeadBytes) seal(bytes);
  MemoryFiles files;
  files.set(kCheckpointName, bytes);
  Index index;
  const auto directory = bytes.size() < 24 ? 0 : get_number<std::uint64_t>(bytes.data() + 16);
  const auto covered = load_checkpoint(files, directory, index);
  HG_CHECK(covered || index.size() == 0, "damaged: nothing of it is kept");
  HG_CHECK(index.size() <= bytes.size() / 16, "no more than there is");
  for (std::size_t table = 0; table < Index::kTables; ++table)
    for (const IndexEntry& entry : index.table_entries(table)) {
      HG_CHECK(entry.location.plausible(), "within a segment");
      HG_CHECK(index.find(entry.fingerprint).has_value(), "what is listed is found");
    }
  return 0;
}
