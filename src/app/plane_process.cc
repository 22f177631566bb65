#include "app/plane_process.h"

#include <fmt/format.h>

#include <cstring>

#include "io/program.h"
#include "io/unix_socket.h"

namespace headgate::app {

PlaneProcess::PlaneProcess(io::Loop& loop, PlaneId id, io::Fd channel, Owner owner)
    : loop_(loop),
      id_(id),
      channel_(std::move(channel)),
      owner_(std::move(owner)),
      since_(loop.now()) {}

PlaneProcess::~PlaneProcess() { loop_.remove(channel_.get()); }

io::Callback<io::ChildExit> PlaneProcess::exit_callback() {
  return [this](io::ChildExit how) { owner_.on_exit(*this, how); };
}

Result<std::unique_ptr<PlaneProcess>> PlaneProcess::start(io::Loop& loop, PlaneId id,
                                                          std::vector<std::string> arguments,
                                                          std::vector<std::string> environment,
                                                          Owner owner) {
  auto channel = io::make_socket_pair();
  if (!channel) return std::unexpected(channel.error());
  std::unique_ptr<PlaneProcess> plane(
      new PlaneProcess(loop, id, std::move(channel->first), std::move(owner)));
  io::ChildSpec spec;
  spec.arguments = std::move(arguments);
  spec.environment = std::move(environment);
  spec.fds = {{channel->second.get(), kChannelFd}};
  auto child = io::Child::spawn(loop, spec, plane->exit_callback());
  if (!child) return std::unexpected(child.error());
  plane->child_ = std::move(*child);
  if (const Status added = loop.add(plane->channel_.get(), EPOLLIN, *plane); !added)
    return std::unexpected(added.error());
  return plane;
}

Result<std::unique_ptr<PlaneProcess>> PlaneProcess::adopt(io::Loop& loop, PlaneId id, int pid,
                                                          int channel, Owner owner) {
  auto inherited = io::inherit(channel);
  if (!inherited) return std::unexpected(inherited.error());
  std::unique_ptr<PlaneProcess> plane(
      new PlaneProcess(loop, id, std::move(*inherited), std::move(owner)));
  auto child = io::Child::adopt(loop, pid, plane->exit_callback());
  if (!child) return std::unexpected(child.error());
  plane->child_ = std::move(*child);
  if (const Status added = loop.add(plane->channel_.get(), EPOLLIN, *plane); !added)
    return std::unexpected(added.error());
  return plane;
}

void PlaneProcess::send(std::string_view verb, std::string_view rest, std::span<const int> fds) {
  const std::string text = plane_message(verb, rest);
  [[maybe_unused]] const Status sent = io::send_message(channel_.get(), text, fds);
}

void PlaneProcess::on_io(std::uint32_t) {
  auto message = io::receive_message(channel_.get());
  if (!message) {
    // The end of the channel is told once; the end of the process is told by the child.
    if (message.error().code == Code::kUnavailable) loop_.remove(channel_.get());
    return;
  }
  if (*message) owner_.on_message(*this, parse_plane_message((*message)->bytes));
}

std::string describe(io::ChildExit how) {
  if (how.signal != 0) return fmt::format("signal {} ({})", how.signal, strsignal(how.signal));
  return fmt::format("exit status {}", how.status);
}

}  // namespace headgate::app
