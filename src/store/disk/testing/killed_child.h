#pragma once
// For tests: a child process that works until it is killed, and what it shares with its parent. One
// thread; the parent must have no other when it forks.
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "base/check.h"
#include "store/disk/testing/waiting_store.h"

namespace headgate::store::disk {

// A T of zeroes in memory that children share.
template <typename T>
class SharedWithChildren {
 public:
  SharedWithChildren() {
    void* memory =
        ::mmap(nullptr, sizeof(T), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    HG_CHECK(memory != MAP_FAILED, "no shared memory");
    value_ = new (memory) T{};
  }
  ~SharedWithChildren() { ::munmap(value_, sizeof(T)); }
  SharedWithChildren(const SharedWithChildren&) = delete;
  SharedWithChildren& operator=(const SharedWithChildren&) = delete;
  T& operator*() { return *value_; }

 private:
  T* value_;
};

// Calls work() in a child, which does not return, and kills the child after so many of its steps.
template <typename Work>
void kill_after(const std::atomic<std::uint64_t>& steps, std::uint64_t count, Work work) {
  const std::uint64_t enough = steps + count;
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) work();
  const bool went_on = eventually([&] { return steps >= enough; });
  ::kill(child, SIGKILL);
  int status = 0;
  ::waitpid(child, &status, 0);
  ASSERT_TRUE(went_on && WIFSIGNALED(status)) << "it ended by itself: " << status;
}

}  // namespace headgate::store::disk
