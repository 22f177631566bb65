#pragma once
// What the store's threads share. Each part says how; lives as long as the store.
#include <atomic>
#include <cstdint>
#include <memory>

#include "store/disk/counters.h"
#include "store/disk/files.h"
#include "store/disk/health.h"
#include "store/disk/index.h"
#include "store/disk/options.h"
#include "store/disk/segments.h"

namespace headgate::store::disk {

struct State {
  State(Options given, std::unique_ptr<Files> own_files)
      : options(std::move(given)),
        files(std::move(own_files)),
        segments(options.segment_bytes),
        writing(0, options.probe_pauses),
        reading(options.read_failures_borne, options.probe_pauses) {}

  // Takes the disk out of use for writing.
  void write_failed(const Error& error) {
    counters.add(Count::kWriteErrors);
    writing.failed(io::monotonic_now(), error.message);
  }

  const Options options;
  const std::unique_ptr<Files> files;
  std::uint64_t directory_id = 0;  // set before the threads start
  Segments segments;
  Index index;
  Counters counters;
  Health writing;
  Health reading;
  // Place::sequence: what lies before it in the log is in the index.
  std::atomic<std::uint64_t> applied{0};
  std::atomic<bool> names_unsynced{false};
};

}  // namespace headgate::store::disk
