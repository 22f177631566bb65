#pragma once
// What a supervisor hands to the program that replaces it in its own process (hot restart):
// descriptors stay open, their numbers and meaning travel as text in one environment variable.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "app/socket_name.h"
#include "base/result.h"

namespace headgate::app {

inline constexpr const char* kResumeVariable = "HEADGATE_RESUME";

struct ResumeState {
  struct Socket {
    SocketName name;
    int fd = -1;
  };
  struct Plane {
    int pid = 0, channel = -1;
    bool retiring = false;  // the others: the one that serves
  };
  std::string binary;  // path from which this program was started
  std::uint32_t restarts = 0;
  int lock = -1, tickets = -1;  // of the state directory; memory with the secret of ticket keys
  std::vector<Socket> sockets;
  std::vector<Plane> planes;
};

std::string encode(const ResumeState& state);
Result<ResumeState> decode_resume_state(std::string_view text);

}  // namespace headgate::app
