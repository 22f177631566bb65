#pragma once
// What a disk store is told when it is opened. A value.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "base/result.h"
#include "base/time.h"
#include "io/clock.h"
#include "store/disk/health.h"
#include "store/disk/limits.h"
#include "store/disk/request_queue.h"

namespace headgate::store::disk {

// Asked at every look-up whether the stamps that an object was stored with still hold. Called on
// the I/O threads, at any time until the store is gone; must not block.
struct StampJudge {
  bool (*holds)(const void* context, std::span<const std::uint64_t> stamps) = nullptr;
  const void* context = nullptr;
};

struct Options {
  std::string directory;  // made where it is missing
  // Of all segments. The checkpoint comes on top: 16 bytes an object, twice while it is written.
  std::uint64_t total_bytes = std::uint64_t{10} << 30;
  std::uint64_t segment_bytes = kSegmentBytesMax;
  std::size_t objects_max = 16'000'000;

  unsigned readers = 4;  // threads; one more writes, one keeps house
  QueueLimits reads_queued{1024, std::size_t{256} << 20};  // weight: bytes that a read may take
  QueueLimits writes_queued{4096, std::size_t{64} << 20};
  QueueLimits removals_queued{65536, std::size_t{128} << 20};

  Duration sync_interval = 5s;
  Duration checkpoint_interval = 60s;
  ProbePauses probe_pauses;
  unsigned read_failures_borne = 8;  // in a row, before reads pass the disk by

  StampJudge stamps;
  WallTime (*wall_clock)() = io::wall_now;

  Status check() const;  // names the option that is out of bounds
};

}  // namespace headgate::store::disk
