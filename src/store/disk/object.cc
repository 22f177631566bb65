#include "store/disk/object.h"

#include <algorithm>

namespace headgate::store::disk {

namespace {
// Of a large record: its prefix, most often.
constexpr std::size_t kFirstReadBytes = 1 << 14;
}  // namespace

std::expected<std::shared_ptr<const Object>, ReadFault> Object::read(
    std::shared_ptr<const Segment> segment, Location location) {
  const std::shared_ptr<Object> object(new Object(std::move(segment), location));
  if (auto loaded = object->load(); !loaded) return std::unexpected(loaded.error());
  return object;
}

std::expected<void, ReadFault> Object::load() {
  const std::size_t record_bytes = location_.units() * kUnitBytes;
  const std::size_t first = record_bytes <= kReadWholeBytes ? record_bytes : kFirstReadBytes;
  if (auto filled = fill(first); !filled) return filled;
  const Place place{segment_->number(), location_.unit()};
  const auto head =
      decode_record_head({bytes_.get(), bytes_count_}, segment_->salt(), place.sequence());
  if (!head || head->kind != RecordKind::kObject || head->units() != location_.units())
    return std::unexpected(ReadFault::kDamaged);
  head_ = *head;
  if (bytes_count_ < head_.prefix_bytes()) {
    if (first == record_bytes) return std::unexpected(ReadFault::kDamaged);
    if (auto filled = fill(head_.prefix_bytes()); !filled) return filled;
    if (bytes_count_ < head_.prefix_bytes()) return std::unexpected(ReadFault::kDamaged);
  }
  const auto parts = decode_prefix(head_, {bytes_.get(), head_.prefix_bytes()});
  if (!parts) return std::unexpected(ReadFault::kDamaged);
  parts_ = *parts;
  for (std::size_t i = 0; i < head_.stamps; ++i) stamps_.push_back(parts_.stamp(i));
  return {};
}

// Short at the end of the file: what is missing shows in the checksums.
std::expected<void, ReadFault> Object::fill(std::size_t bytes) {
  auto buffer = std::make_shared_for_overwrite<char[]>(bytes);
  const auto got = segment_->file().read_at({buffer.get(), bytes}, location_.offset());
  if (!got) return std::unexpected(ReadFault::kFailed);
  bytes_ = std::move(buffer);
  bytes_count_ = *got;
  return {};
}

std::expected<Bytes, ReadFault> Object::read_body(std::uint64_t offset, std::uint64_t bytes) const {
  offset = std::min<std::uint64_t>(offset, head_.body_bytes);
  bytes = std::min(bytes, head_.body_bytes - offset);
  if (bytes == 0) return Bytes{};
  const std::size_t first = offset / kBlockBytes;
  const std::uint64_t from = first * kBlockBytes;
  const std::uint64_t end = std::min<std::uint64_t>(
      (offset + bytes + kBlockBytes - 1) / kBlockBytes * kBlockBytes, head_.body_bytes);
  const std::size_t body_at = head_.prefix_bytes();
  const auto length = static_cast<std::size_t>(end - from);
  Bytes out{bytes_, {}};
  std::string_view blocks;
  if (bytes_count_ >= head_.bytes()) {
    blocks = {bytes_.get() + body_at + from, length};
  } else {
    auto buffer = std::make_shared_for_overwrite<char[]>(length);
    const auto got =
        segment_->file().read_at({buffer.get(), length}, location_.offset() + body_at + from);
    if (!got) return std::unexpected(ReadFault::kFailed);
    if (*got != length) return std::unexpected(ReadFault::kDamaged);
    blocks = {buffer.get(), length};
    out.owner = std::move(buffer);
  }
  if (auto checked = check_blocks(blocks, first); !checked) return std::unexpected(checked.error());
  out.view = blocks.substr(static_cast<std::size_t>(offset - from), bytes);
  return out;
}

std::expected<void, ReadFault> Object::check_blocks(std::string_view bytes,
                                                    std::size_t first) const {
  for (std::size_t block = first; !bytes.empty(); ++block) {
    const std::string_view piece = bytes.substr(0, kBlockBytes);
    if (block_checksum(head_.salt, head_.sequence, block, piece) != parts_.block_checksum(block))
      return std::unexpected(ReadFault::kDamaged);
    bytes.remove_prefix(piece.size());
  }
  return {};
}

}  // namespace headgate::store::disk
