#include "store/disk/segment_scan.h"

#include <algorithm>

namespace headgate::store::disk {

namespace {
constexpr std::size_t kWindowBytes = 1 << 16;
// Heads that lie far apart are read alone: what lies between them is bodies.
constexpr std::size_t kFarBytes = 1 << 13;
constexpr std::size_t kHeadWindowBytes = 1 << 12;
}  // namespace

SegmentScan::SegmentScan(const Segment& segment, std::uint32_t first_unit)
    : segment_(segment),
      end_(segment.end()),
      at_(std::uint64_t{std::max(first_unit, 1U)} * kUnitBytes),
      window_(kWindowBytes) {}

std::optional<ScannedRecord> SegmentScan::next() {
  while (at_ < end_) {
    const Place place{segment_.number(), static_cast<std::uint32_t>(at_ / kUnitBytes)};
    const auto head = decode_record_head(bytes_at(at_), segment_.salt(), place.sequence());
    if (head && at_ + head->units() * kUnitBytes <= end_) {
      at_ += head->units() * kUnitBytes;
      return ScannedRecord{*head, Location(place, head->units())};
    }
    at_ += kUnitBytes;
    ++units_skipped_;
  }
  return std::nullopt;
}

// At least a record's head, or what there is of it.
std::string_view SegmentScan::bytes_at(std::uint64_t offset) {
  const bool inside =
      offset >= window_at_ && offset + kRecordHeadBytes <= window_at_ + window_bytes_;
  if (!inside && !fill(offset)) return {};
  return {window_.data() + (offset - window_at_),
          window_bytes_ - static_cast<std::size_t>(offset - window_at_)};
}

bool SegmentScan::fill(std::uint64_t offset) {
  const bool far = window_bytes_ > 0 && offset > window_at_ + window_bytes_ + kFarBytes;
  const std::size_t wanted = far ? kHeadWindowBytes : kWindowBytes;
  const auto got = segment_.file().read_at(std::span(window_).first(wanted), offset);
  window_at_ = offset;
  window_bytes_ = got.value_or(0);
  if (got) return true;
  ++read_errors_;
  // A place that cannot be read costs the window that begins there.
  const std::uint64_t behind = std::min<std::uint64_t>(offset + kHeadWindowBytes, end_);
  units_skipped_ += (behind - offset) / kUnitBytes - 1;
  at_ = behind - kUnitBytes;
  window_bytes_ = 0;
  return false;
}

}  // namespace headgate::store::disk
