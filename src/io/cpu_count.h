#pragma once
// How many workers this process should run: a container that may use one and a half cores of 64
// must not start 64.
#include <string>

namespace headgate::io {

struct CgroupPlace {
  std::string mount =
      "/sys/fs/cgroup";  // of version 2, or the directory that holds version 1's "cpu"
  std::string self = "/proc/self/cgroup";
};

// The least of the affinity mask and the CPU quotas (rounded up) of our control group and all
// groups above it; at least 1. What cannot be read limits nothing.
int cpu_count(const CgroupPlace& place = {});
// The quota alone in hundredths of a core; 0 when there is none.
int cpu_quota_percent(const CgroupPlace& place = {});

}  // namespace headgate::io
