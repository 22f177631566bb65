#include "store/disk/counters.h"

namespace headgate::store::disk {

std::string_view to_string(Count count) {
  switch (count) {
    case Count::kHits: return "hits";
    case Count::kMisses: return "misses";
    case Count::kMismatches: return "mismatches";
    case Count::kStale: return "stale";
    case Count::kDamaged: return "damaged";
    case Count::kReadErrors: return "read_errors";
    case Count::kReadsBusy: return "reads_busy";
    case Count::kReadBytes: return "read_bytes";
    case Count::kStored: return "stored";
    case Count::kStoredBytes: return "stored_bytes";
    case Count::kRemoved: return "removed";
    case Count::kRefused: return "refused";
    case Count::kWriteErrors: return "write_errors";
    case Count::kWritesBusy: return "writes_busy";
    case Count::kPassedThrough: return "passed_through";
    case Count::kReadmitted: return "readmitted";
    case Count::kReclaimed: return "reclaimed";
    case Count::kSegmentsLost: return "segments_lost";
    case Count::kUnitsSkipped: return "units_skipped";
    case Count::kCheckpoints: return "checkpoints";
    case Count::kCheckpointErrors: return "checkpoint_errors";
    case Count::kCount: break;
  }
  return "unknown";
}

}  // namespace headgate::store::disk
