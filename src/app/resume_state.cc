#include "app/resume_state.h"

#include <fmt/format.h>

#include <climits>
#include <optional>

#include "base/ascii.h"

namespace headgate::app {

namespace {

std::optional<int> parse_number(std::string_view text) {
  const auto number = parse_decimal(text);
  if (!number || *number > INT_MAX) return std::nullopt;
  return static_cast<int>(*number);
}

bool take_line(std::string_view line, ResumeState& state) {
  const std::string_view what = take_until(line, ' ');
  if (what == "binary") {
    state.binary = line;
    return !line.empty();
  }
  const auto first = parse_number(take_until(line, ' '));
  if (!first) return false;
  if (what == "restarts") {
    state.restarts = static_cast<std::uint32_t>(*first);
    return line.empty();
  }
  if (what == "lock" || what == "tickets") {
    (what == "lock" ? state.lock : state.tickets) = *first;
    return line.empty();
  }
  if (what == "socket") {
    const auto name = parse_socket_name(line);
    if (name) state.sockets.push_back({*name, *first});
    return name.has_value();
  }
  const auto channel = parse_number(line);
  if (!channel || (what != "serving" && what != "retiring")) return false;
  state.planes.push_back({*first, *channel, what == "retiring"});
  return true;
}

}  // namespace

std::string encode(const ResumeState& state) {
  std::string text = fmt::format("binary {}\nrestarts {}\n", state.binary, state.restarts);
  if (state.lock >= 0) text += fmt::format("lock {}\n", state.lock);
  if (state.tickets >= 0) text += fmt::format("tickets {}\n", state.tickets);
  for (const auto& socket : state.sockets)
    text += fmt::format("socket {} {}\n", socket.fd, to_string(socket.name));
  for (const auto& plane : state.planes) {
    text += fmt::format("{} {} {}\n", plane.retiring ? "retiring" : "serving", plane.pid,
                        plane.channel);
  }
  return text;
}

Result<ResumeState> decode_resume_state(std::string_view text) {
  ResumeState state;
  while (!text.empty()) {
    const std::string_view line = take_until(text, '\n');
    if (!take_line(line, state))
      return fail(Code::kInvalid, fmt::format("{}: '{}' is not understood", kResumeVariable, line));
  }
  if (state.binary.empty())
    return fail(Code::kInvalid, fmt::format("{}: the program's path is missing", kResumeVariable));
  return state;
}

}  // namespace headgate::app
