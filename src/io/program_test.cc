#include "io/program.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <optional>

#include "io/child.h"
#include "io/process_info.h"
#include "io/unix_socket.h"

namespace headgate::io {
namespace {

TEST(Program, KnowsTheFileThatItRuns) {
  EXPECT_EQ(::access(program_path().c_str(), X_OK), 0) << program_path();
  EXPECT_TRUE(program_path().ends_with("hg_io_test")) << program_path();
}

TEST(Program, TakesOverOpenDescriptorsAlone) {
  const int open = ::dup(2);
  Fd taken = inherit(open).value();
  EXPECT_EQ(taken.get(), open);
  EXPECT_TRUE(::fcntl(open, F_GETFD) & FD_CLOEXEC);
  taken.reset();
  EXPECT_EQ(inherit(open).error().code, Code::kNotFound);
}

TEST(Program, KeepsBytesInMemoryForAnotherOne) {
  const Fd kept = keep_in_memory("a secret").value();
  EXPECT_TRUE(::fcntl(kept.get(), F_GETFD) & FD_CLOEXEC);
  const Fd inherited(::dup(kept.get()));
  EXPECT_EQ(read_from_memory(inherited, 100).value(), "a secret");
  EXPECT_EQ(read_from_memory(inherited, 3).value(), "a s");
}

TEST(Program, WaitsUntilSomethingCanBeReadOrTheTimeIsOver) {
  auto [ours, theirs] = make_socket_pair().value();
  EXPECT_FALSE(wait_readable(ours.get(), 1ms));
  ASSERT_TRUE(send_message(theirs.get(), "x"));
  EXPECT_TRUE(wait_readable(ours.get(), 10s));
}

// In a process of its own, because a success does not come back.
TEST(Program, BecomesAnotherOneThatHasTheKeptDescriptors) {
  auto [ours, theirs] = make_socket_pair().value();
  const pid_t pid = ::fork();
  if (pid == 0) {
    const std::array<int, 1> kept = {theirs.get()};
    const std::string script = "echo $WORD >&" + std::to_string(theirs.get());
    replace_program({"/bin/sh", "-c", script}, {"WORD=hello"}, kept);
    ::_exit(1);
  }
  Loop loop;
  std::optional<ChildExit> exit;
  auto child = Child::adopt(loop, pid, [&](ChildExit how) { exit = how; });
  ASSERT_TRUE(child) << child.error().message;
  for (int i = 0; i < 500 && !exit; ++i) loop.turn(20ms);
  ASSERT_TRUE(exit);
  EXPECT_EQ(exit->status, 0);
  EXPECT_EQ(receive_message(ours.get()).value().value().bytes, "hello\n");
}

TEST(Program, StaysWhatItIsWhenTheOtherOneCannotRun) {
  auto [ours, theirs] = make_socket_pair().value();
  const std::array<int, 1> kept = {theirs.get()};
  const auto failed = replace_program({"/no/such/program"}, {}, kept);
  EXPECT_EQ(failed.error().code, Code::kNotFound);
  EXPECT_TRUE(::fcntl(theirs.get(), F_GETFD) & FD_CLOEXEC) << "as it was before";
}

TEST(ProcessInfo, MeasuresThisProcess) {
  const ProcessInfo before = process_info();
  EXPECT_GT(before.resident_bytes, 1U << 20);
  EXPECT_GE(before.virtual_bytes, before.resident_bytes);
  EXPECT_GE(before.threads, 1U);
  EXPECT_GT(before.descriptors_max, before.open_descriptors);
  EXPECT_GT(before.start_unix_seconds, 1.6e9);
  const Fd one(::dup(2));
  EXPECT_EQ(process_info().open_descriptors, before.open_descriptors + 1);
  EXPECT_GE(process_info().cpu_seconds, before.cpu_seconds);
}

}  // namespace
}  // namespace headgate::io
