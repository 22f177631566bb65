#pragma once
// A record of the log as bytes: head of fixed size, then stamps, checksums of the body's blocks,
// metadata, key, selector and the object's head (together the prefix), then the body.
//
// Nothing is believed before its checksum: the fixed head has one, the rest of the prefix another,
// each block of the body its own. The head repeats the secret salt of its segment and its own
// place, so bytes of a body that look like a record, and records that lie where they do not belong,
// are none.
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "base/time.h"
#include "store/disk/limits.h"
#include "store/disk/object_id.h"

namespace headgate::store::disk {

enum class RecordKind : std::uint8_t {
  kObject = 1,
  kRemoval = 2,  // what was stored before under its id is gone
};

inline constexpr std::size_t kRecordHeadBytes = 96;

struct RecordHead {
  RecordKind kind = RecordKind::kObject;
  ObjectId id;
  std::uint64_t salt = 0;
  std::uint64_t sequence = 0;
  WallTime expires_at;
  std::uint32_t body_bytes = 0;
  std::uint32_t head_bytes = 0;
  std::uint32_t key_bytes = 0;
  std::uint16_t selector_bytes = 0;
  std::uint16_t metadata_bytes = 0;
  std::uint8_t stamps = 0;
  std::uint32_t rest_checksum = 0;

  std::size_t blocks() const { return (body_bytes + kBlockBytes - 1) / kBlockBytes; }
  std::size_t prefix_bytes() const;
  std::size_t bytes() const { return prefix_bytes() + body_bytes; }
  std::uint32_t units() const {
    return static_cast<std::uint32_t>((bytes() + kUnitBytes - 1) / kUnitBytes);
  }
};

// What goes into a record. Views of the caller's bytes.
struct RecordContent {
  RecordKind kind = RecordKind::kObject;
  ObjectId id;
  WallTime expires_at;
  std::span<const std::uint64_t> stamps;
  std::string_view metadata, key, selector, head;
  std::span<const std::string_view> body;  // in pieces

  std::uint64_t body_bytes() const;
  bool within_limits() const;
};

// Of content within the limits.
RecordHead head_of(const RecordContent& content, std::uint64_t salt, std::uint64_t sequence);
std::string encode_prefix(const RecordContent& content, std::uint64_t salt, std::uint64_t sequence);

// Of at least kRecordHeadBytes; nothing when the bytes are not the head of the record at this
// place.
std::optional<RecordHead> decode_record_head(std::string_view bytes, std::uint64_t salt,
                                             std::uint64_t sequence);

// The parts of a prefix; views of it.
struct RecordPrefix {
  std::string_view stamps, block_checksums, metadata, key, selector, head;
  std::uint64_t stamp(std::size_t index) const;
  std::uint32_t block_checksum(std::size_t index) const;
};
// Nothing when they are not what was written.
std::optional<RecordPrefix> decode_prefix(const RecordHead& head, std::string_view prefix);

std::uint32_t block_checksum(std::uint64_t salt, std::uint64_t sequence, std::size_t block,
                             std::string_view bytes);

}  // namespace headgate::store::disk
