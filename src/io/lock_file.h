#pragma once
// One owner of something, by a lock on a file (flock) that says who holds it. The kernel lets go of it
// when the last descriptor is closed, so a crash leaves nothing behind; the file itself stays. Any
// thread.
#include <string>

#include "base/result.h"
#include "io/fd.h"

namespace headgate::io {

// Made with mode 0600 where it is missing. The lock lasts as long as the descriptor, which a program
// that replaces this one can inherit. kUnavailable: another process has it; the message ends with its
// id.
Result<Fd> lock_file(const std::string& path);

}  // namespace headgate::io
