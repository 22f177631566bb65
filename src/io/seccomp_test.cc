#include "io/seccomp.h"

#include <gtest/gtest.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <thread>

#include "io/privileges.h"

namespace headgate::io {
namespace {

// In a process of its own, because nothing that was refused comes back.
template <typename F>
int in_child(F steps) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(steps());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

bool confined() { return keep_capabilities({}) && refuse_system_calls(); }

TEST(Seccomp, RefusesEveryCallOfTheList) {
  EXPECT_EQ(in_child([] {
              if (!confined()) return 1;
              for (const long number : refused_system_calls()) {
                // Arguments that no kernel accepts, in case that the filter lets it through.
                if (::syscall(number, -1, -1, -1, -1, -1, -1) != -1 || errno != EPERM) return 2;
              }
              return 0;
            }),
            0);
}

TEST(Seccomp, LetsNoProgramBeRunWhichRanBefore) {
  const auto run_true = [] {
    char name[] = "/bin/true";
    char* arguments[] = {name, nullptr};
    ::execv(name, arguments);
    return errno == EPERM ? 0 : 3;
  };
  EXPECT_EQ(in_child([&] { return run_true() == 0 ? 4 : 5; }), 0) << "it runs without the filter";
  EXPECT_EQ(in_child([&] { return confined() ? run_true() + 10 : 1; }), 10);
}

TEST(Seccomp, HoldsForThreadsThatStartAfterwardsAndLeavesThemTheirWork) {
  EXPECT_EQ(in_child([] {
              if (!confined()) return 1;
              int outcome = 2;
              std::thread([&] {
                std::ifstream file("/proc/self/status");
                const bool refused = ::syscall(SYS_chroot, "/") == -1 && errno == EPERM;
                outcome = file.good() && refused ? 0 : 3;
              }).join();
              return outcome;
            }),
            0);
}

TEST(Seccomp, NeedsThatPrivilegesCannotBeGained) {
  EXPECT_EQ(in_child([] {
              if (::geteuid() == 0 && ::setuid(65534) != 0) return 1;  // an administrator may without
              return refuse_system_calls() ? 2 : 0;
            }),
            0);
}

}  // namespace
}  // namespace headgate::io
