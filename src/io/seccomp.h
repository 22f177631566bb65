#pragma once
// Takes system calls from this process for good that one which serves traffic never needs: running
// programs, reaching into other processes, mounts, namespaces, modules, keys, BPF. Whoever takes over
// a worker cannot start a shell. A list of what is refused, not of what is allowed: a C library that
// makes a new call in its next version must not become an outage.
#include <span>

#include "base/result.h"

namespace headgate::io {

// For the calling thread and those that it starts afterwards, so: before any other thread exists, and
// after keep_capabilities, since it needs no_new_privs. A refused call answers EPERM; one of another
// architecture ends the process.
Status refuse_system_calls();

// Their numbers, for tests.
std::span<const long> refused_system_calls();

}  // namespace headgate::io
