#pragma once
// Reads the heads of a segment's records one after the other, for a start without a checkpoint that
// covers them. Where there is none it goes on unit by unit until the next one, so damage costs the
// damaged records alone. Bodies are not read: what is wrong in them shows when the object is asked
// for. Blocking; one thread.
#include <cstdint>
#include <optional>
#include <vector>

#include "store/disk/location.h"
#include "store/disk/record.h"
#include "store/disk/segment.h"

namespace headgate::store::disk {

struct ScannedRecord {
  RecordHead head;
  Location location;
};

class SegmentScan {
 public:
  // From a place where a record or the end may be; the first unit is never a record's.
  SegmentScan(const Segment& segment, std::uint32_t first_unit);

  // Nothing at the end. Records that reach behind the end are not whole: they are passed over.
  std::optional<ScannedRecord> next();

  std::uint64_t units_skipped() const { return units_skipped_; }  // that belong to no record
  std::uint64_t read_errors() const { return read_errors_; }

 private:
  std::string_view bytes_at(std::uint64_t offset);
  bool fill(std::uint64_t offset);

  const Segment& segment_;
  const std::uint64_t end_;
  std::uint64_t at_;
  std::vector<char> window_;
  std::uint64_t window_at_ = 0;
  std::size_t window_bytes_ = 0;
  std::uint64_t units_skipped_ = 0;
  std::uint64_t read_errors_ = 0;
};

}  // namespace headgate::store::disk
