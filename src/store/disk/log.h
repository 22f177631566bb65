#pragma once
// The end of the log: appends records to the newest segment, begins a new one when it is full, and
// gives up the oldest for it. The writer's thread; blocking.
#include <cstdint>
#include <deque>
#include <memory>
#include <string>

#include "base/result.h"
#include "store/disk/location.h"
#include "store/disk/record.h"
#include "store/disk/state.h"

namespace headgate::store::disk {

class Log {
 public:
  // Goes on in the newest segment of `state`, if there is one.
  Log(State& state, std::uint64_t next_number);

  // Of content within the limits that fits into a segment. After an error the same place is written
  // again; a segment that fails several times is given up as it is.
  Result<Location> append(const RecordContent& content);
  // Whether the disk takes bytes again: writes and syncs something that means nothing.
  Status probe();
  // Gives up the oldest segments until another one fits into the limit.
  void make_room();

 private:
  Status start_segment();
  void drop_oldest();
  void remove_files();

  State& state_;
  std::shared_ptr<Segment> active_;
  std::uint64_t next_number_;
  unsigned failures_ = 0;  // of the active segment, in a row
  std::deque<std::string> names_to_remove_;
};

}  // namespace headgate::store::disk
