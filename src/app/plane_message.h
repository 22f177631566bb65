#pragma once
// The words between the supervisor and a data plane, one message each, over a socket pair. "open
// tcp//80": a verb and the rest.
//   data plane -> supervisor: open NAME [COUNT], release NAME, tickets, ready, draining
//   supervisor -> data plane: socket NAME (with the descriptor; of a UDP port with COUNT or more,
//   all that there are) or refused TEXT answer an open,
//   secret HEX answers tickets; orders: reload, reopen (the access log), drain (stop serving),
//   retire (another data plane serves now), hurry (do not wait for what is open)
#include <string>
#include <string_view>

namespace headgate::app {

inline constexpr int kChannelFd = 3;  // of the data plane

struct PlaneMessage {
  std::string_view verb, rest;
};
inline PlaneMessage parse_plane_message(std::string_view text) {
  const std::size_t space = text.find(' ');
  if (space == std::string_view::npos) return {text, {}};
  return {text.substr(0, space), text.substr(space + 1)};
}
inline std::string plane_message(std::string_view verb, std::string_view rest) {
  std::string text(verb);
  if (!rest.empty()) {
    text += ' ';
    text += rest;
  }
  return text;
}

}  // namespace headgate::app
