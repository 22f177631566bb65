#pragma once
// HG_CHECK states an invariant of ours. A broken one stops the process: the supervisor restarts it, and a core tells why.
// Never use it for what a peer, a file or an operator can cause (result.h).

namespace headgate {
[[noreturn]] void check_failed(const char* condition, const char* message, const char* file, int line);
}

#define HG_CHECK(condition, message)                                                  \
  do {                                                                                \
    if (!(condition)) [[unlikely]]                                                    \
      ::headgate::check_failed(#condition, message, __FILE__, __LINE__);              \
  } while (false)
