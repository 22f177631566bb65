#include "store/disk/options.h"

#include <fmt/format.h>

namespace headgate::store::disk {

Status Options::check() const {
  const auto wrong = [](std::string what) { return fail(Code::kInvalid, "disk cache: " + what); };
  if (segment_bytes < kSegmentBytesMin || segment_bytes > kSegmentBytesMax ||
      segment_bytes % kUnitBytes != 0)
    return wrong(fmt::format("segment_bytes {} is not a multiple of {} between {} and {}",
                             segment_bytes, kUnitBytes, kSegmentBytesMin, kSegmentBytesMax));
  const std::uint64_t segments = total_bytes / segment_bytes;
  if (segments < kSegmentsMin || segments > kSegmentsMax)
    return wrong(fmt::format("total_bytes {} is not between {} and {} segments of {}", total_bytes,
                             kSegmentsMin, kSegmentsMax, segment_bytes));
  if (readers == 0 || readers > 64)
    return wrong(fmt::format("{} readers are not between 1 and 64", readers));
  if (objects_max == 0) return wrong("objects_max is 0");
  return {};
}

}  // namespace headgate::store::disk
