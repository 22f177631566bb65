#pragma once
// The immutable world that a worker reads. Published as shared_ptr<const Snapshot>; a request keeps the one it started with.
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/listener.h"
#include "model/upstream.h"

namespace headgate::model {

struct Snapshot {
  std::uint64_t revision = 0;
  std::vector<Port> ports;
  std::vector<std::shared_ptr<const Upstream>> upstreams;  // backends hold indexes into this
  std::uint32_t rules = 0;                                 // rule ids are below this
  std::string locality;                                    // of this edge
};

}  // namespace headgate::model
