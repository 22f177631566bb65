#pragma once
// Messages with descriptors between processes of one machine (SOCK_SEQPACKET, SCM_RIGHTS):
// boundaries are kept, and a message arrives whole or not at all. Any thread; non-blocking.
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "io/fd.h"

namespace headgate::io {

inline constexpr std::size_t kMessageBytesMax = 65536;
inline constexpr std::size_t kMessageFdsMax = 250;  // the kernel allows 253

Result<std::pair<Fd, Fd>> make_socket_pair();

// Code::kExhausted: the peer does not read fast enough (try again when writable), or a limit;
// kUnavailable: it is gone. An empty message cannot be told from the end, and is refused.
Status send_message(int fd, std::string_view bytes, std::span<const int> fds = {});

struct Message {
  std::string bytes;
  std::vector<Fd> fds;  // close-on-exec
};
// nullopt: nothing waits. kUnavailable: the peer has closed. kInvalid: a message beyond the limits,
// dropped whole.
Result<std::optional<Message>> receive_message(int fd);

}  // namespace headgate::io
