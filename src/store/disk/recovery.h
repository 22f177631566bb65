#pragma once
// From a directory to a state that can serve: format, segments, checkpoint, and what the log says
// since. Blocking, before the threads start.
#include <cstdint>

#include "base/result.h"
#include "store/disk/state.h"

namespace headgate::store::disk {

inline constexpr const char* kFormatName = "format";

struct Recovered {
  std::uint64_t next_segment = 1;
  bool from_checkpoint = false;
  std::uint64_t records_scanned = 0;
};

// kInvalid: the directory is of another format version, or not one of ours; nothing of it is
// touched. Damage costs objects, and is counted; what the operating system refuses is an error.
Result<Recovered> recover(State& state);

}  // namespace headgate::store::disk
