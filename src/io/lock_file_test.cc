#include "io/lock_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "io/file.h"
#include "io/test_directory.h"

namespace headgate::io {
namespace {

TEST(LockFile, NamesTheProcessThatHoldsIt) {
  const TestDirectory directory;
  const auto first = lock_file(directory / "lock");
  ASSERT_TRUE(first) << first.error().message;
  const auto second = lock_file(directory / "lock");
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, Code::kUnavailable);
  EXPECT_TRUE(second.error().message.ends_with(fmt::format("process {}", ::getpid())))
      << second.error().message;
}

TEST(LockFile, CanBeHadAgainWhenItWasLetGo) {
  const TestDirectory directory;
  ASSERT_TRUE(write_file_atomically(directory / "lock", "123456789 of a crashed one\n"));
  ASSERT_TRUE(lock_file(directory / "lock"));
  ASSERT_TRUE(lock_file(directory / "lock"));
  EXPECT_EQ(read_file(directory / "lock", 100).value(), fmt::format("{}\n", ::getpid()));
}

TEST(LockFile, SaysWhyItCannotBeMade) {
  const TestDirectory directory;
  const auto missing = lock_file(directory / "missing/lock");
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().message.find("missing/lock"), std::string::npos);
}

}  // namespace
}  // namespace headgate::io
