#include "io/privileges.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "io/cpu_count.h"
#include "io/file.h"
#include "io/test_directory.h"

namespace headgate::io {
namespace {

// Runs in a process of its own, because nothing given up comes back. The step that failed is the
// exit status.
template <typename F>
int in_child(F steps) {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(steps());
  int status = 0;
  ::waitpid(pid, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

TEST(Privileges, OnlyTheListedCapabilitiesAreKept) {
  const bool had_bind = has_capability(CAP_NET_BIND_SERVICE);
  EXPECT_EQ(in_child([&] {
              const int kept[] = {CAP_NET_BIND_SERVICE};
              if (!keep_capabilities(kept)) return 1;
              for (int capability = 0; capability <= CAP_LAST_CAP; ++capability) {
                const bool expected = capability == CAP_NET_BIND_SERVICE && had_bind;
                if (has_capability(capability) != expected) return 2;
              }
              if (::prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1) return 3;
              return keep_capabilities({}) && !has_capability(CAP_NET_BIND_SERVICE) ? 0 : 4;
            }),
            0);
  EXPECT_EQ(has_capability(CAP_NET_BIND_SERVICE), had_bind);
  const int wrong[] = {64};
  EXPECT_FALSE(keep_capabilities(wrong));
}

TEST(Privileges, AnotherUserKeepsTheListedCapabilitiesAndCannotComeBack) {
  if (::geteuid() != 0 || !has_capability(CAP_SETUID) || !has_capability(CAP_SETGID)) {
    GTEST_SKIP() << "needs CAP_SETUID and CAP_SETGID";
  }
  const bool had_bind = has_capability(CAP_NET_BIND_SERVICE);
  EXPECT_EQ(in_child([&] {
              const int kept[] = {CAP_NET_BIND_SERVICE};
              if (!become_user({65534, 65534}, kept)) return 1;
              if (::geteuid() != 65534 || ::getegid() != 65534 || ::getgroups(0, nullptr) != 0)
                return 2;
              if (has_capability(CAP_NET_BIND_SERVICE) != had_bind || has_capability(CAP_SETUID))
                return 3;
              return ::setuid(0) == -1 ? 0 : 4;
            }),
            0);
}

TEST(Privileges, TheDescriptorLimitRisesToTheHardOne) {
  EXPECT_EQ(in_child([] {
              rlimit limit{};
              ::getrlimit(RLIMIT_NOFILE, &limit);
              const rlim_t hard = limit.rlim_max;
              limit.rlim_cur = 64;
              ::setrlimit(RLIMIT_NOFILE, &limit);
              const auto raised = raise_descriptor_limit();
              return raised && *raised == hard ? 0 : 1;
            }),
            0);
}

class CpuQuota : public ::testing::Test {
 protected:
  void write(const std::string& path, const std::string& text) {
    const std::string full = directory / path;
    ASSERT_TRUE(ensure_directory(full.substr(0, full.rfind('/'))));
    ASSERT_TRUE(write_file_atomically(full, text));
  }
  TestDirectory directory;
  CgroupPlace place{directory / "cgroup", directory / "self"};
};

TEST_F(CpuQuota, TheLeastOfAllGroupsAboveUsCountsAndIsRoundedUp) {
  write("self", "0::/pods/web\n");
  write("cgroup/cpu.max", "max 100000\n");
  write("cgroup/pods/cpu.max", "50000 100000\n");
  write("cgroup/pods/web/cpu.max", "150000 100000\n");
  EXPECT_EQ(cpu_quota_percent(place), 50);
  EXPECT_EQ(cpu_count(place), 1);
  write("cgroup/pods/cpu.max", "max 100000\n");
  EXPECT_EQ(cpu_quota_percent(place), 150);
  EXPECT_LE(cpu_count(place), 2);
}

TEST_F(CpuQuota, VersionOneIsReadByItsOwnController) {
  write("self", "12:cpuset:/other\n4:cpu,cpuacct:/docker/abc\n0::/\n");
  write("cgroup/cpu/docker/abc/cpu.cfs_quota_us", "-1\n");
  write("cgroup/cpu/docker/abc/cpu.cfs_period_us", "100000\n");
  EXPECT_EQ(cpu_quota_percent(place), 0);
  write("cgroup/cpu/docker/abc/cpu.cfs_quota_us", "25000\n");
  EXPECT_EQ(cpu_quota_percent(place), 25);
}

TEST_F(CpuQuota, AContainerThatDoesNotSeeItsOwnPathReadsTheMount) {
  write("self", "0::/host/only/path\n");
  write("cgroup/cpu.max", "100000 100000\n");
  EXPECT_EQ(cpu_quota_percent(place), 100);
}

TEST_F(CpuQuota, WhatCannotBeReadLimitsNothing) {
  EXPECT_EQ(cpu_quota_percent(place), 0);
  EXPECT_GE(cpu_count(place), 1);
  for (const char* text : {"", "garbage", "100 0", "99999999999999999999 1", "-5 100000"}) {
    write("self", "0::/\n");
    write("cgroup/cpu.max", text);
    EXPECT_EQ(cpu_quota_percent(place), 0) << text;
  }
}

}  // namespace
}  // namespace headgate::io
