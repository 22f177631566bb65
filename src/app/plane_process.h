#pragma once
// One data-plane process as its supervisor sees it: the child and the channel to it. Supervisor's
// thread. Destroying it kills the process; so it is given to Loop::retire from inside its own
// callbacks.
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "app/held_sockets.h"
#include "app/plane_message.h"
#include "base/result.h"
#include "io/callback.h"
#include "io/child.h"
#include "io/loop.h"

namespace headgate::app {

class PlaneProcess final : public io::EventHandler {
 public:
  struct Owner {
    io::Callback<PlaneProcess&, PlaneMessage> on_message;
    io::Callback<PlaneProcess&, io::ChildExit> on_exit;
  };

  // Runs `arguments` with the channel at kChannelFd.
  static Result<std::unique_ptr<PlaneProcess>> start(io::Loop& loop, PlaneId id,
                                                     std::vector<std::string> arguments,
                                                     std::vector<std::string> environment,
                                                     Owner owner);
  // One that the program which ran here before has started.
  static Result<std::unique_ptr<PlaneProcess>> adopt(io::Loop& loop, PlaneId id, int pid,
                                                     int channel, Owner owner);
  ~PlaneProcess() override;

  PlaneId id() const { return id_; }
  int pid() const { return child_->pid(); }
  int channel_fd() const { return channel_.get(); }
  Duration lived() const { return loop_.now() - since_; }
  bool ready() const { return ready_; }
  void set_ready() { ready_ = true; }

  // `fds` travel with the message. A message that does not go out means that the process is gone or
  // stuck; its end tells.
  void send(std::string_view verb, std::string_view rest = {}, std::span<const int> fds = {});
  void signal(int number) { child_->signal(number); }

  void on_io(std::uint32_t events) override;

 private:
  PlaneProcess(io::Loop& loop, PlaneId id, io::Fd channel, Owner owner);
  io::Callback<io::ChildExit> exit_callback();

  io::Loop& loop_;
  PlaneId id_;
  io::Fd channel_;
  Owner owner_;
  Instant since_;
  bool ready_ = false;
  std::unique_ptr<io::Child> child_;
};

// "signal 9 (Killed)", "exit status 4"
std::string describe(io::ChildExit how);

}  // namespace headgate::app
