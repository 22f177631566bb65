#pragma once
// This process as a program: its binary, its arguments for another one, and its replacement in
// place. Any thread, but replace_program only where no other thread runs.
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "base/time.h"
#include "io/fd.h"

namespace headgate::io {

// The file that this process runs, as it is named on disk now; a file that was replaced or removed
// keeps its name.
std::string program_path();
// Runs what this process runs, even when the file on disk is another one by now.
inline constexpr const char* kSameProgram = "/proc/self/exe";

std::vector<std::string> environment();

// Becomes another program with the same process id and the same children. `kept` stay open under
// their numbers, everything else that is marked close-on-exec is closed. Returns only when that
// failed; nothing has changed then.
std::unexpected<Error> replace_program(const std::vector<std::string>& arguments,
                                       const std::vector<std::string>& environment,
                                       std::span<const int> kept);

// Takes over a descriptor that the process was started with, and marks it close-on-exec. kNotFound:
// it is not open.
Result<Fd> inherit(int number);

// Bytes for the program that replaces this one, in memory alone: neither a disk nor the environment
// sees them.
Result<Fd> keep_in_memory(std::string_view bytes);
// At most `bytes_max` of them.
Result<std::string> read_from_memory(const Fd& memory, std::size_t bytes_max);

// Waits on the calling thread, for answers that come at once or never. False: nothing came in time.
bool wait_readable(int fd, Duration at_most);

}  // namespace headgate::io
