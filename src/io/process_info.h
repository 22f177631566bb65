#pragma once
// What the kernel accounts to this process, for metrics. Any thread; a few small reads below /proc.
#include <cstdint>

namespace headgate::io {

struct ProcessInfo {  // zero where the kernel does not tell
  double cpu_seconds = 0;
  std::uint64_t resident_bytes = 0, virtual_bytes = 0;
  std::uint64_t open_descriptors = 0, descriptors_max = 0;
  std::uint64_t threads = 0;
  double start_unix_seconds = 0;
};
ProcessInfo process_info();

}  // namespace headgate::io
