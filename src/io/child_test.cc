#include "io/child.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <optional>

#include "io/unix_socket.h"

namespace headgate::io {
namespace {

class Children : public ::testing::Test {
 protected:
  Result<std::unique_ptr<Child>> shell(const std::string& script, std::vector<PassedFd> fds = {}) {
    return Child::spawn(loop, {{"/bin/sh", "-c", script}, {"WORD=hello"}, std::move(fds)},
                        [this](ChildExit e) { exit = e; });
  }
  // Waits for input that never comes.
  std::unique_ptr<Child> waiting() {
    int ends[2];
    EXPECT_EQ(::pipe2(ends, O_CLOEXEC), 0);
    input_ = Fd(ends[1]);
    const Fd end(ends[0]);
    return shell("read line", {{end.get(), 0}}).value();
  }
  bool ended() {
    for (int i = 0; i < 500 && !exit; ++i) loop.turn(20ms);
    return exit.has_value();
  }
  Loop loop;
  std::optional<ChildExit> exit;
  Fd input_;
};

TEST_F(Children, ReportTheirExitStatusAndSignal) {
  auto child = shell("exit 7");
  ASSERT_TRUE(child) << child.error().message;
  ASSERT_TRUE(ended());
  EXPECT_EQ(exit->status, 7);
  EXPECT_EQ(exit->signal, 0);
  EXPECT_FALSE((*child)->running());
  exit.reset();
  auto killed = waiting();
  killed->signal(SIGTERM);
  ASSERT_TRUE(ended());
  EXPECT_EQ(exit->signal, SIGTERM) << "signals that we block are not blocked in the child";
}

TEST_F(Children, GetJustTheDescriptorsAndEnvironmentTheyWereGiven) {
  auto [ours, theirs] = make_socket_pair().value();
  auto [other, swapped] = make_socket_pair().value();
  const int leaked = ::dup(ours.get());  // not close-on-exec
  // Source and target numbers cross over each other.
  std::vector<PassedFd> fds = {
      {theirs.get(), swapped.get()}, {swapped.get(), theirs.get()}, {theirs.get(), 1}};
  const std::string check = "[ ! -e /proc/self/fd/" + std::to_string(leaked) +
                            " ] && echo $WORD && echo x >&" + std::to_string(theirs.get());
  auto child = shell(check, fds);
  ASSERT_TRUE(child) << child.error().message;
  ASSERT_TRUE(ended());
  EXPECT_EQ(exit->status, 0);
  EXPECT_EQ(receive_message(ours.get()).value().value().bytes, "hello\n");
  EXPECT_EQ(receive_message(other.get()).value().value().bytes, "x\n");
  ::close(leaked);
}

TEST_F(Children, AProgramThatCannotRunIsAnErrorNotAChild) {
  auto child = Child::spawn(loop, {{"/nonexistent/program"}, {}, {}}, [](ChildExit) {});
  ASSERT_FALSE(child);
  EXPECT_EQ(child.error().code, Code::kNotFound);
  EXPECT_EQ(child.error().message, "spawn /nonexistent/program: No such file or directory");
  EXPECT_FALSE(Child::spawn(loop, {}, [](ChildExit) {}));
  EXPECT_FALSE(shell("true", {{-1, 3}}));
}

TEST_F(Children, AreKilledAndReapedWithTheirOwner) {
  auto child = waiting();
  const pid_t pid = child->pid();
  child.reset();
  EXPECT_EQ(::kill(pid, 0), -1);
  loop.turn(1ms);
  EXPECT_FALSE(exit);
}

TEST(Messages, CarryBytesAndDescriptorsWithTheirBoundaries) {
  auto [a, b] = make_socket_pair().value();
  EXPECT_FALSE(receive_message(b.get()).value()) << "nothing waits";
  auto [inner, outer] = make_socket_pair().value();
  const int fds[] = {inner.get(), outer.get()};
  ASSERT_TRUE(send_message(a.get(), "one", fds));
  ASSERT_TRUE(send_message(a.get(), "two"));
  auto one = receive_message(b.get());
  ASSERT_TRUE(one && *one);
  EXPECT_EQ((*one)->bytes, "one");
  ASSERT_EQ((*one)->fds.size(), 2u);
  ASSERT_TRUE(send_message((*one)->fds[0].get(), "through"));
  EXPECT_EQ(receive_message(outer.get()).value().value().bytes, "through");
  EXPECT_EQ(receive_message(b.get()).value().value().bytes, "two");
  a.reset();
  EXPECT_EQ(receive_message(b.get()).error().code, Code::kUnavailable);
}

TEST(Messages, BeyondTheLimitsAreRefusedAtBothEnds) {
  auto [a, b] = make_socket_pair().value();
  EXPECT_EQ(send_message(a.get(), "").error().code, Code::kInvalid);
  EXPECT_EQ(send_message(a.get(), std::string(kMessageBytesMax + 1, 'x')).error().code,
            Code::kExhausted);
  const std::string longer(kMessageBytesMax + 1, 'x');
  ASSERT_EQ(::write(a.get(), longer.data(), longer.size()), static_cast<ssize_t>(longer.size()));
  EXPECT_EQ(receive_message(b.get()).error().code, Code::kInvalid);
  ASSERT_TRUE(send_message(a.get(), "next"));
  EXPECT_EQ(receive_message(b.get()).value().value().bytes, "next");
}

}  // namespace
}  // namespace headgate::io
