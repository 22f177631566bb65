#include "io/signals.h"

#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>

#include "base/check.h"

namespace headgate::io {

namespace {
sigset_t set_of(std::initializer_list<int> signals) {
  sigset_t set;
  sigemptyset(&set);
  for (const int signal : signals) sigaddset(&set, signal);
  return set;
}
}  // namespace

void block_signals(std::initializer_list<int> signals) {
  const sigset_t set = set_of(signals);
  HG_CHECK(::pthread_sigmask(SIG_BLOCK, &set, nullptr) == 0, "signal numbers are valid");
}

class Signals::Handler : public EventHandler {
 public:
  Handler(Fd fd, Callback<int> on_signal) : fd_(std::move(fd)), on_signal_(std::move(on_signal)) {}
  int fd() const { return fd_.get(); }
  void silence() { silent_ = true; }
  void on_io(std::uint32_t) override {
    signalfd_siginfo info{};
    while (!silent_ && ::read(fd_.get(), &info, sizeof info) == static_cast<ssize_t>(sizeof info)) {
      on_signal_(static_cast<int>(info.ssi_signo));
    }
  }

 private:
  Fd fd_;
  Callback<int> on_signal_;
  bool silent_ = false;
};

Signals::Signals(Loop& loop, std::unique_ptr<Handler> handler)
    : loop_(loop), handler_(std::move(handler)) {}

Signals::~Signals() {
  loop_.remove(handler_->fd());
  handler_->silence();
  loop_.retire(std::move(handler_));
}

Result<std::unique_ptr<Signals>> Signals::make(Loop& loop, std::initializer_list<int> signals,
                                               Callback<int> on_signal) {
  block_signals(signals);
  const sigset_t set = set_of(signals);
  Fd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd.valid()) return fail_errno("signalfd", errno);
  auto handler = std::make_unique<Handler>(std::move(fd), std::move(on_signal));
  if (auto added = loop.add(handler->fd(), EPOLLIN, *handler); !added)
    return std::unexpected(std::move(added.error()));
  return std::unique_ptr<Signals>(new Signals(loop, std::move(handler)));
}

}  // namespace headgate::io
