#pragma once
// Appending to a log file or a standard stream. Blocking: for threads of their own.
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/fd.h"

namespace headgate::io {

// "-" is standard output (a duplicate). Created with mode 0640.
Result<Fd> open_for_append(const std::string& path);
// Until everything is written or the descriptor fails.
void write_all(const Fd& fd, std::string_view bytes);

}  // namespace headgate::io
