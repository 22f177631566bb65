#pragma once
// Child processes of a loop: started with an exact set of descriptors, reported when they end.
// Loop's thread.
#include <sys/types.h>

#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "io/callback.h"
#include "io/loop.h"

namespace headgate::io {

struct PassedFd {
  int fd = -1;      // ours
  int number = -1;  // what the child finds it as; 0, 1 and 2 redirect the standard streams
};

struct ChildSpec {
  std::vector<std::string> arguments;    // [0] is the program: a path, no search
  std::vector<std::string> environment;  // "NAME=value"; all of it
  // Everything else is closed in the child, but for standard streams that are not named here, which
  // are inherited.
  std::vector<PassedFd> fds;
  // The kernel kills the child when the thread that started it ends: start it from a thread that
  // lives as long as it should.
  bool dies_with_parent = true;
  bool killed_on_destruction = true;  // SIGKILL, and reaped; otherwise it goes on alone
};

struct ChildExit {
  int status = 0;  // exit status, when signal is 0
  int signal = 0;  // what ended it
};

class Child {
 public:
  static constexpr std::size_t kFdsMax = 256;
  static constexpr int kNumberMax = 1000;

  // An error tells which program could not be run and why; no child is left then. `on_exit` runs
  // once.
  static Result<std::unique_ptr<Child>> spawn(Loop& loop, const ChildSpec& spec,
                                              Callback<ChildExit> on_exit);
  // A child that this process has already: of the program that it was before (io/program.h).
  static Result<std::unique_ptr<Child>> adopt(Loop& loop, pid_t pid, Callback<ChildExit> on_exit);
  ~Child();

  pid_t pid() const;
  bool running() const;
  void signal(
      int number);  // nothing happens to one that has ended: a number used again is never hit

 private:
  class Handler;
  Child(Loop& loop, std::unique_ptr<Handler> handler);
  Loop& loop_;
  std::unique_ptr<Handler> handler_;
};

}  // namespace headgate::io
