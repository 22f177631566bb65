#include "store/disk/checkpoint.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <string>

#include "base/hash.h"
#include "io/entropy.h"
#include "store/disk/checksum.h"
#include "store/disk/little_endian.h"

namespace headgate::store::disk {

namespace {

constexpr std::string_view kMagic = "HGCHKPNT";
constexpr std::size_t kHeadBytes = 64;
constexpr std::size_t kEntryBytes = 16;
constexpr std::size_t kBlockEntries = 4096;
constexpr std::size_t kSumBytes = sizeof(std::uint32_t);
constexpr std::size_t kFullBlockBytes = kBlockEntries * kEntryBytes + kSumBytes;

// magic:8 version:4 checksum:4 directory:8 nonce:8 segment:8 unit:4 zero:4 entries:8, then zeros.
// The checksum is of what follows it; the nonce keeps blocks of another checkpoint from passing for
// this one's.
struct Head {
  std::uint64_t directory_id = 0, nonce = 0;
  Place covered;
  std::uint64_t entries = 0;
};
using HeadBytes = std::array<char, kHeadBytes>;

HeadBytes encode_head(const Head& head) {
  HeadBytes out{};
  std::memcpy(out.data(), kMagic.data(), kMagic.size());
  put_number(out.data() + 8, kFormatVersion);
  put_number(out.data() + 16, head.directory_id);
  put_number(out.data() + 24, head.nonce);
  put_number(out.data() + 32, head.covered.segment);
  put_number(out.data() + 40, head.covered.unit);
  put_number(out.data() + 48, head.entries);
  put_number(out.data() + 12, crc32c({out.data() + 16, out.size() - 16}));
  return out;
}

std::unexpected<Error> damaged(const char* what) {
  return fail(Code::kInvalid, fmt::format("checkpoint: {}", what));
}

Result<Head> decode_head(const HeadBytes& in, std::uint64_t directory_id) {
  Head head;
  head.directory_id = get_number<std::uint64_t>(in.data() + 16);
  head.nonce = get_number<std::uint64_t>(in.data() + 24);
  head.covered.segment = get_number<std::uint64_t>(in.data() + 32);
  head.covered.unit = get_number<std::uint32_t>(in.data() + 40);
  head.entries = get_number<std::uint64_t>(in.data() + 48);
  if (in != encode_head(head)) return damaged("the head is damaged");
  if (head.directory_id != directory_id) return damaged("it is another directory's");
  return head;
}

constexpr std::uint64_t file_bytes(std::uint64_t entries) {
  const std::uint64_t blocks = (entries + kBlockEntries - 1) / kBlockEntries;
  return kHeadBytes + entries * kEntryBytes + blocks * kSumBytes;
}

std::uint32_t block_sum(std::uint64_t nonce, std::uint64_t block, std::string_view bytes) {
  return crc32c(bytes, static_cast<std::uint32_t>(scramble64(nonce + block)));
}

// Gathers entries into blocks and writes each when it is full.
class BlockWriter {
 public:
  BlockWriter(File& file, std::uint64_t nonce) : file_(file), nonce_(nonce) {
    bytes_.reserve(kFullBlockBytes);
  }
  Status add(const IndexEntry& entry) {
    char bytes[kEntryBytes];
    put_number(bytes, entry.fingerprint);
    put_number(bytes + 8, entry.location.word());
    bytes_.append(bytes, sizeof bytes);
    ++entries_;
    return bytes_.size() == kBlockEntries * kEntryBytes ? flush() : Status{};
  }
  Status flush() {
    if (bytes_.empty()) return {};
    char sum[kSumBytes];
    put_number(sum, block_sum(nonce_, block_++, bytes_));
    bytes_.append(sum, sizeof sum);
    const std::string_view pieces[] = {bytes_};
    auto written = file_.write_at(pieces, at_);
    at_ += bytes_.size();
    bytes_.clear();
    return written;
  }
  std::uint64_t entries() const { return entries_; }

 private:
  File& file_;
  const std::uint64_t nonce_;
  std::string bytes_;
  std::uint64_t at_ = kHeadBytes;
  std::uint64_t block_ = 0;
  std::uint64_t entries_ = 0;
};

Status write_content(File& file, std::uint64_t directory_id, Place covered, const Index& index) {
  Head head{directory_id, io::random_u64(), covered, 0};
  BlockWriter writer(file, head.nonce);
  for (std::size_t table = 0; table < Index::kTables; ++table)
    for (const IndexEntry& entry : index.table_entries(table))
      if (auto added = writer.add(entry); !added) return added;
  if (auto flushed = writer.flush(); !flushed) return flushed;
  head.entries = writer.entries();
  const HeadBytes bytes = encode_head(head);
  const std::string_view pieces[] = {{bytes.data(), bytes.size()}};
  if (auto written = file.write_at(pieces, 0); !written) return written;
  return file.sync();
}

Status load_blocks(const File& file, const Head& head, Index& index) {
  index.reserve(head.entries);
  std::string buffer(kFullBlockBytes, '\0');
  std::uint64_t at = kHeadBytes;
  std::uint64_t left = head.entries;
  for (std::uint64_t block = 0; left > 0; ++block) {
    const std::size_t count = std::min<std::uint64_t>(left, kBlockEntries);
    const std::size_t bytes = count * kEntryBytes;
    const auto got = file.read_at(std::span(buffer).first(bytes + kSumBytes), at);
    if (!got) return std::unexpected(got.error());
    if (*got != bytes + kSumBytes) return damaged("it ends too early");
    if (get_number<std::uint32_t>(buffer.data() + bytes) !=
        block_sum(head.nonce, block, std::string_view(buffer).substr(0, bytes)))
      return damaged("a block is damaged");
    for (std::size_t i = 0; i < count; ++i) {
      const char* entry = buffer.data() + i * kEntryBytes;
      const Location location(get_number<std::uint64_t>(entry + 8));
      if (!location.plausible()) return damaged("an entry points nowhere");
      index.put(get_number<std::uint64_t>(entry), location);
    }
    at += bytes + kSumBytes;
    left -= count;
  }
  return {};
}

}  // namespace

Status write_checkpoint(Files& files, std::uint64_t directory_id, Place covered,
                        const Index& index) {
  const std::string temporary = std::string(kCheckpointName) + ".tmp";
  if (auto gone = files.remove(temporary); !gone) return gone;
  auto file = files.create(temporary);
  if (!file) return std::unexpected(std::move(file.error()));
  if (auto written = write_content(**file, directory_id, covered, index); !written) return written;
  if (auto renamed = files.rename(temporary, kCheckpointName); !renamed) return renamed;
  return files.sync_names();
}

Result<Place> load_checkpoint(Files& files, std::uint64_t directory_id, Index& index) {
  auto file = files.open(kCheckpointName);
  if (!file) return std::unexpected(std::move(file.error()));
  HeadBytes bytes{};
  const auto got = (*file)->read_at(bytes, 0);
  if (!got) return std::unexpected(got.error());
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  if (*got != bytes.size()) return damaged("it ends too early");
  const auto head = decode_head(bytes, directory_id);
  if (!head) return std::unexpected(head.error());
  if (head->entries > *size / kEntryBytes || *size != file_bytes(head->entries))
    return damaged("its length is not what its head says");
  if (auto loaded = load_blocks(**file, *head, index); !loaded) {
    index.clear();
    return std::unexpected(std::move(loaded.error()));
  }
  return head->covered;
}

}  // namespace headgate::store::disk
