#pragma once
// One reading of the configuration: what was found, what is wrong with it, and the Snapshot if
// nothing is. A value; made on any thread, blocking.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "app/options.h"
#include "base/time.h"
#include "config/config.h"

namespace headgate::app {

struct Configuration {
  std::uint64_t revision = 0;
  config::Objects objects;
  std::vector<config::ObjectStatus> statuses;
  config::Problems problems;
  std::shared_ptr<const model::Snapshot> snapshot;  // null: refused, see problems
};

// From the files of the command line. `cache` knows what the reading before parsed.
Configuration read_configuration(const UpOptions& options, std::uint64_t revision, WallTime now,
                                 config::LoadCache& cache);
// From the state directory.
Configuration read_last_good_configuration(const UpOptions& options, std::uint64_t revision,
                                           WallTime now);

}  // namespace headgate::app
