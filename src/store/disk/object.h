#pragma once
// An object as it was read: its parts, checked, and the way to its body. Immutable; any thread. It
// stays readable while it is held, also when its segment is reclaimed meanwhile.
#include <cstdint>
#include <expected>
#include <memory>
#include <string_view>
#include <vector>

#include "base/time.h"
#include "store/disk/location.h"
#include "store/disk/record.h"
#include "store/disk/segment.h"

namespace headgate::store::disk {

// Bytes with what keeps them.
struct Bytes {
  std::shared_ptr<const char[]> owner;
  std::string_view view;
};

enum class ReadFault : std::uint8_t {
  kDamaged,  // a checksum is wrong, or the end is missing
  kFailed,   // the disk answered with an error
};

class Object {
 public:
  // Blocking. Reads and checks everything but the body; a record of at most kReadWholeBytes
  // entirely.
  static std::expected<std::shared_ptr<const Object>, ReadFault> read(
      std::shared_ptr<const Segment> segment, Location location);
  // Blocking. That part of the body, cut at its end; every block that it touches is checked.
  std::expected<Bytes, ReadFault> read_body(std::uint64_t offset, std::uint64_t bytes) const;

  const ObjectId& id() const { return head_.id; }
  WallTime expires_at() const { return head_.expires_at; }
  std::uint32_t body_bytes() const { return head_.body_bytes; }
  const std::vector<std::uint64_t>& stamps() const { return stamps_; }
  std::string_view metadata() const { return parts_.metadata; }
  std::string_view key() const { return parts_.key; }
  std::string_view selector() const { return parts_.selector; }
  std::string_view head() const { return parts_.head; }
  Location location() const { return location_; }

 private:
  Object(std::shared_ptr<const Segment> segment, Location location)
      : segment_(std::move(segment)), location_(location) {}
  std::expected<void, ReadFault> load();
  std::expected<void, ReadFault> fill(std::size_t bytes);
  std::expected<void, ReadFault> check_blocks(std::string_view bytes, std::size_t first) const;

  const std::shared_ptr<const Segment> segment_;
  const Location location_;
  RecordHead head_;
  RecordPrefix parts_;  // views of bytes_
  std::vector<std::uint64_t> stamps_;
  std::shared_ptr<const char[]> bytes_;  // from the beginning of the record
  std::size_t bytes_count_ = 0;
};

}  // namespace headgate::store::disk
