#include "io/child.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>

#include "base/check.h"

#ifndef CLOSE_RANGE_CLOEXEC
#define CLOSE_RANGE_CLOEXEC (1U << 2)
#endif

namespace headgate::io {

namespace {

// Everything that the child needs between fork and exec, laid out before: only async-signal-safe
// calls are allowed there.
struct Prepared {
  std::vector<char*> arguments, environment;
  std::vector<PassedFd> fds;
  std::vector<int> copies;  // of fds, at numbers that no target overwrites
  bool dies_with_parent = false;
  pid_t parent = 0;
  int report = -1;  // errno of a failed step goes here
  sigset_t unblocked;
};

std::vector<char*> pointers_of(const std::vector<std::string>& texts) {
  std::vector<char*> pointers;
  for (const std::string& text : texts) pointers.push_back(const_cast<char*>(text.c_str()));
  pointers.push_back(nullptr);
  return pointers;
}

[[noreturn]] void report_and_exit(int report) {
  const int error = errno;
  [[maybe_unused]] const ssize_t put = ::write(report, &error, sizeof error);
  ::_exit(127);
}

void place_descriptors(Prepared& p) {
  int above_all_targets = 3;  // as low as can be: the limit on descriptors bounds their numbers
  for (const PassedFd& passed : p.fds)
    above_all_targets = std::max(above_all_targets, passed.number + 1);
  for (std::size_t i = 0; i < p.fds.size(); ++i) {
    p.copies[i] = ::fcntl(p.fds[i].fd, F_DUPFD_CLOEXEC, above_all_targets);
    if (p.copies[i] < 0) report_and_exit(p.report);
  }
  const int report = ::fcntl(p.report, F_DUPFD_CLOEXEC, above_all_targets);
  if (report < 0) report_and_exit(p.report);
  p.report = report;
  if (::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC) != 0) report_and_exit(p.report);
  for (std::size_t i = 0; i < p.fds.size(); ++i) {
    if (::dup2(p.copies[i], p.fds[i].number) < 0)
      report_and_exit(p.report);  // without close-on-exec
  }
}

[[noreturn]] void become(Prepared& p) {
  if (p.dies_with_parent) {
    if (::prctl(PR_SET_PDEATHSIG, SIGKILL) != 0) report_and_exit(p.report);
    if (::getppid() != p.parent) ::_exit(127);  // it ended before the request was in place
  }
  place_descriptors(p);
  for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE, SIGCHLD, SIGUSR1, SIGUSR2, SIGQUIT}) {
    ::signal(number, SIG_DFL);
  }
  ::pthread_sigmask(SIG_SETMASK, &p.unblocked, nullptr);
  ::execve(p.arguments[0], p.arguments.data(), p.environment.data());
  report_and_exit(p.report);
}

Status check(const ChildSpec& spec) {
  if (spec.arguments.empty()) return fail(Code::kInvalid, "spawn: no program");
  if (spec.fds.size() > Child::kFdsMax) {
    return fail(Code::kExhausted, fmt::format("spawn {}: more than {} descriptors",
                                              spec.arguments[0], Child::kFdsMax));
  }
  for (const PassedFd& passed : spec.fds) {
    if (passed.fd >= 0 && passed.number >= 0 && passed.number <= Child::kNumberMax) continue;
    return fail(Code::kInvalid, fmt::format("spawn {}: descriptor {} as number {}",
                                            spec.arguments[0], passed.fd, passed.number));
  }
  return {};
}

// Waits for exec: the pipe closes when it succeeds. Answers the errno of the step that failed, or
// 0.
int read_report(int fd) {
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(fd, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  return got == static_cast<ssize_t>(sizeof error) ? error : 0;
}

}  // namespace

class Child::Handler : public EventHandler {
 public:
  Handler(pid_t pid, Fd pidfd, bool kills, Callback<ChildExit> on_exit)
      : pid_(pid), pidfd_(std::move(pidfd)), kills_(kills), on_exit_(std::move(on_exit)) {}
  int fd() const { return pidfd_.get(); }
  pid_t pid() const { return pid_; }
  bool running() const { return running_; }

  void on_io(std::uint32_t) override {
    ChildExit how;
    if (!running_ || !reap(WNOHANG, how)) return;
    on_exit_(how);
  }
  void signal(int number) {
    if (running_) ::syscall(SYS_pidfd_send_signal, pidfd_.get(), number, nullptr, 0);
  }
  void abandon() {
    if (!running_ || !kills_) {
      running_ = false;
      return;
    }
    signal(SIGKILL);
    ChildExit ignored;
    reap(0, ignored);
  }

 private:
  bool reap(int options, ChildExit& how) {
    int status = 0;
    pid_t done = 0;
    do {
      done = ::waitpid(pid_, &status, options);
    } while (done < 0 && errno == EINTR);
    if (done == 0) return false;
    running_ = false;
    if (WIFEXITED(status)) how.status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) how.signal = WTERMSIG(status);
    return true;
  }

  pid_t pid_;
  Fd pidfd_;
  bool kills_;
  bool running_ = true;
  Callback<ChildExit> on_exit_;
};

Child::Child(Loop& loop, std::unique_ptr<Handler> handler)
    : loop_(loop), handler_(std::move(handler)) {}

Child::~Child() {
  loop_.remove(handler_->fd());
  handler_->abandon();
  loop_.retire(std::move(handler_));
}

pid_t Child::pid() const { return handler_->pid(); }
bool Child::running() const { return handler_->running(); }
void Child::signal(int number) { handler_->signal(number); }

Result<std::unique_ptr<Child>> Child::spawn(Loop& loop, const ChildSpec& spec,
                                            Callback<ChildExit> on_exit) {
  if (auto checked = check(spec); !checked) return std::unexpected(std::move(checked.error()));
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) return fail_errno("spawn: pipe", errno);
  const Fd report_in(ends[0]);
  Fd report_out(ends[1]);
  Prepared prepared{pointers_of(spec.arguments),
                    pointers_of(spec.environment),
                    spec.fds,
                    std::vector<int>(spec.fds.size(), -1),
                    spec.dies_with_parent,
                    ::getpid(),
                    report_out.get(),
                    {}};
  sigemptyset(&prepared.unblocked);
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("spawn " + spec.arguments[0] + ": fork", errno);
  if (pid == 0) become(prepared);
  report_out.reset();
  const int error = read_report(report_in.get());
  Fd pidfd(error == 0 ? static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)) : -1);
  const int why = error != 0 ? error : errno;
  if (!pidfd.valid()) {
    ::kill(pid, SIGKILL);  // ours until it is reaped, so the number is not somebody else's
    ::waitpid(pid, nullptr, 0);
    return fail_errno("spawn " + spec.arguments[0], why);
  }
  auto handler = std::make_unique<Handler>(pid, std::move(pidfd), spec.killed_on_destruction,
                                           std::move(on_exit));
  if (auto added = loop.add(handler->fd(), EPOLLIN | EPOLLET, *handler); !added) {
    handler->signal(SIGKILL);
    ::waitpid(pid, nullptr, 0);
    return std::unexpected(std::move(added.error()));
  }
  return std::unique_ptr<Child>(new Child(loop, std::move(handler)));
}

Result<std::unique_ptr<Child>> Child::adopt(Loop& loop, pid_t pid, Callback<ChildExit> on_exit) {
  Fd pidfd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  if (!pidfd.valid()) return fail_errno(fmt::format("adopt child {}", pid), errno);
  auto handler = std::make_unique<Handler>(pid, std::move(pidfd), true, std::move(on_exit));
  if (auto added = loop.add(handler->fd(), EPOLLIN | EPOLLET, *handler); !added) {
    return std::unexpected(std::move(added.error()));
  }
  return std::unique_ptr<Child>(new Child(loop, std::move(handler)));
}

}  // namespace headgate::io
