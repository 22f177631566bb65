#include "store/disk/segment.h"

#include <fmt/format.h>

#include <array>
#include <charconv>
#include <cstring>

#include "store/disk/checksum.h"
#include "store/disk/little_endian.h"

namespace headgate::store::disk {

namespace {

constexpr std::string_view kNamePrefix = "segment-";
constexpr std::string_view kMagic = "HGSEGMNT";

// magic:8 version:4 checksum:4 directory:8 number:8 salt:8, then zeros. The checksum is of what
// follows it.
using HeadBytes = std::array<char, kUnitBytes>;
constexpr std::size_t kChecksumAt = 12;

HeadBytes encode_head(std::uint64_t directory_id, std::uint64_t number, std::uint64_t salt) {
  HeadBytes head{};
  std::memcpy(head.data(), kMagic.data(), kMagic.size());
  put_number(head.data() + 8, kFormatVersion);
  put_number(head.data() + 16, directory_id);
  put_number(head.data() + 24, number);
  put_number(head.data() + 32, salt);
  const std::string_view rest(head.data() + 16, head.size() - 16);
  put_number(head.data() + kChecksumAt, crc32c(rest));
  return head;
}

Status write_head(File& file, const HeadBytes& head, std::uint64_t bytes_max) {
  if (auto allocated = file.preallocate(bytes_max); !allocated) return allocated;
  const std::string_view pieces[] = {{head.data(), head.size()}};
  return file.write_at(pieces, 0);
}

constexpr std::uint64_t round_up(std::uint64_t bytes) {
  return (bytes + kUnitBytes - 1) / kUnitBytes * kUnitBytes;
}

}  // namespace

std::string segment_name(std::uint64_t number) {
  return fmt::format("{}{:016x}", kNamePrefix, number);
}

std::optional<std::uint64_t> segment_number(std::string_view name) {
  if (!name.starts_with(kNamePrefix)) return std::nullopt;
  name.remove_prefix(kNamePrefix.size());
  std::uint64_t number = 0;
  const auto end = name.data() + name.size();
  if (name.size() != 16 || std::from_chars(name.data(), end, number, 16).ptr != end)
    return std::nullopt;
  if (number == 0 || number >> (64 - kPlaceBits) != 0) return std::nullopt;
  return number;
}

Result<std::shared_ptr<Segment>> Segment::create(Files& files, std::uint64_t directory_id,
                                                 std::uint64_t number, std::uint64_t salt,
                                                 std::uint64_t bytes_max) {
  const std::string name = segment_name(number);
  auto file = files.create(name);
  if (!file) return std::unexpected(std::move(file.error()));
  const HeadBytes head = encode_head(directory_id, number, salt);
  if (auto written = write_head(**file, head, bytes_max); !written) {
    (void)files.remove(name);  // best effort: a head that is not whole makes it no segment
    return std::unexpected(std::move(written.error()));
  }
  return std::shared_ptr<Segment>(new Segment(std::move(*file), number, salt, kUnitBytes));
}

Result<std::shared_ptr<Segment>> Segment::open(Files& files, std::uint64_t directory_id,
                                               std::uint64_t number) {
  auto file = files.open(segment_name(number));
  if (!file) return std::unexpected(std::move(file.error()));
  HeadBytes head{};
  const auto got = (*file)->read_at(head, 0);
  if (!got) return std::unexpected(got.error());
  const auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  const auto salt = get_number<std::uint64_t>(head.data() + 32);
  if (*got != head.size() || *size > kSegmentBytesMax ||
      head != encode_head(directory_id, number, salt))
    return fail(Code::kInvalid, fmt::format("{}: no segment of this cache", segment_name(number)));
  return std::shared_ptr<Segment>(new Segment(std::move(*file), number, salt, round_up(*size)));
}

Status Segment::append(std::span<const std::string_view> pieces, std::uint64_t bytes) {
  const std::uint64_t at = end();
  unsynced_.store(true, std::memory_order_relaxed);
  if (auto written = file_->write_at(pieces, at); !written) return written;
  end_.store(at + round_up(bytes), std::memory_order_release);
  unsynced_.store(true, std::memory_order_release);
  return {};
}

Status Segment::sync() {
  if (!unsynced_.exchange(false, std::memory_order_acq_rel)) return {};
  auto synced = file_->sync();
  if (!synced) unsynced_.store(true, std::memory_order_relaxed);
  return synced;
}

}  // namespace headgate::store::disk
