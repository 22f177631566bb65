#include "io/file.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/test_directory.h"

namespace headgate::io {
namespace {

mode_t mode_of(const std::string& path) {
  struct stat status{};
  EXPECT_EQ(::stat(path.c_str(), &status), 0) << path;
  return status.st_mode & 07777;
}

TEST(File, ReadsBackWhatWasWrittenWithItsMode) {
  const TestDirectory directory;
  const std::string path = directory / "a";
  ASSERT_TRUE(write_file_atomically(path, "one", 0600));
  ASSERT_TRUE(write_file_atomically(path, "two", 0640));
  EXPECT_EQ(read_file(path, 3).value(), "two");
  EXPECT_EQ(mode_of(path), 0640u);
  EXPECT_EQ(list_files(directory.path).value(), std::vector<std::string>{path})
      << "no temporary file is left";
}

TEST(File, RefusesWhatIsTooLongMissingOrNoFile) {
  const TestDirectory directory;
  ASSERT_TRUE(write_file_atomically(directory / "a", "1234"));
  EXPECT_EQ(read_file(directory / "a", 3).error().code, Code::kExhausted);
  EXPECT_EQ(read_file(directory / "b", 3).error().code, Code::kNotFound);
  EXPECT_EQ(read_file(directory.path, 3).error().code, Code::kInvalid);
}

TEST(File, AFailedWriteLeavesNothingBehind) {
  const TestDirectory directory;
  ASSERT_TRUE(ensure_directory(directory / "taken/inner"));
  EXPECT_FALSE(write_file_atomically(directory / "taken", "x"));
  EXPECT_TRUE(list_files(directory.path).value().empty());
}

TEST(File, MakesParentDirectoriesWithTheModeAskedFor) {
  const TestDirectory directory;
  ASSERT_TRUE(ensure_directory(directory / "a/b/c", 0700));
  EXPECT_EQ(mode_of(directory / "a/b"), 0700u);
  EXPECT_TRUE(ensure_directory(directory / "a/b/c", 0755));
  EXPECT_EQ(mode_of(directory / "a/b/c"), 0700u);
  ASSERT_TRUE(write_file_atomically(directory / "file", ""));
  EXPECT_EQ(ensure_directory(directory / "file").error().code, Code::kInvalid);
}

TEST(File, ListsSortedAndFollowsNoLinkOutside) {
  const TestDirectory outside;
  ASSERT_TRUE(write_file_atomically(outside / "secret", "x"));
  const TestDirectory directory;
  ASSERT_TRUE(ensure_directory(directory / "..2026"));
  ASSERT_TRUE(ensure_directory(directory / "sub"));
  for (const char* name : {"..2026/mounted", "b", "a", "sub/c", ".hidden"}) {
    ASSERT_TRUE(write_file_atomically(directory / name, name));
  }
  ASSERT_EQ(::symlink("..2026", (directory / "..data").c_str()), 0);
  ASSERT_EQ(::symlink("..data/mounted", (directory / "mounted").c_str()), 0);
  ASSERT_EQ(::symlink((outside / "secret").c_str(), (directory / "escape").c_str()), 0);
  ASSERT_EQ(::symlink("..", (directory / "sub/cycle").c_str()), 0);
  const std::vector<std::string> expected = {directory / "a", directory / "b",
                                             directory / "mounted", directory / "sub/c"};
  EXPECT_EQ(list_files(directory.path + "/").value(), expected);
}

}  // namespace
}  // namespace headgate::io
