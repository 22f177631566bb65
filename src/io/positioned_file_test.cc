#include "io/positioned_file.h"

#include <gtest/gtest.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <csignal>
#include <vector>

#include "io/directory.h"
#include "io/file.h"
#include "io/test_directory.h"

namespace headgate::io {
namespace {

TEST(PositionedFile, WritesPiecesWhereToldAndReadsThemBack) {
  const TestDirectory directory;
  auto file = PositionedFile::create(directory / "a");
  ASSERT_TRUE(file) << file.error().message;
  const std::vector<std::string_view> pieces = {"one", "", "two"};
  ASSERT_TRUE(file->write_at(pieces, 5));
  EXPECT_EQ(file->size().value(), 11u);
  std::string bytes(20, '?');
  EXPECT_EQ(file->read_at(bytes, 4).value(), 7u) << "the end of the file ends the read";
  EXPECT_EQ(bytes.substr(0, 7), std::string("\0onetwo", 7));
  EXPECT_EQ(file->read_at(bytes, 11).value(), 0u);
}

TEST(PositionedFile, WritesMorePiecesThanOneCallTakes) {
  const TestDirectory directory;
  auto file = PositionedFile::create(directory / "a");
  ASSERT_TRUE(file);
  std::string expected;
  std::vector<std::string> texts;
  for (int i = 0; i < 2000; ++i) texts.push_back(std::to_string(i) + ",");
  std::vector<std::string_view> pieces(texts.begin(), texts.end());
  for (const std::string_view piece : pieces) expected += piece;
  ASSERT_TRUE(file->write_at(pieces, 0));
  std::string bytes(expected.size() + 1, '?');
  ASSERT_EQ(file->read_at(bytes, 0).value(), expected.size());
  EXPECT_EQ(bytes.substr(0, expected.size()), expected);
}

TEST(PositionedFile, TakesSpaceWithoutChangingTheSize) {
  const TestDirectory directory;
  auto file = PositionedFile::create(directory / "a");
  ASSERT_TRUE(file->preallocate(1 << 20));
  EXPECT_EQ(file->size().value(), 0u);
  struct stat status{};
  ASSERT_EQ(::stat((directory / "a").c_str(), &status), 0);
  EXPECT_EQ(status.st_mode & 07777, 0600u);
  EXPECT_TRUE(file->sync());
}

TEST(PositionedFile, IsMadeOnceAndOpenedWhereItIs) {
  const TestDirectory directory;
  EXPECT_EQ(PositionedFile::open(directory / "a").error().code, Code::kNotFound);
  ASSERT_TRUE(PositionedFile::create(directory / "a"));
  EXPECT_FALSE(PositionedFile::create(directory / "a"));
  EXPECT_TRUE(PositionedFile::open(directory / "a"));
  ASSERT_EQ(::symlink((directory / "a").c_str(), (directory / "link").c_str()), 0);
  EXPECT_FALSE(PositionedFile::open(directory / "link")) << "links are not followed";
}

TEST(PositionedFile, SaysWhichFileCannotGrow) {
  const TestDirectory directory;
  auto file = PositionedFile::create(directory / "a");
  rlimit before{};
  ASSERT_EQ(::getrlimit(RLIMIT_FSIZE, &before), 0);
  const auto old_handler = std::signal(SIGXFSZ, SIG_IGN);
  const rlimit small{4096, before.rlim_max};
  ASSERT_EQ(::setrlimit(RLIMIT_FSIZE, &small), 0);
  const std::string bytes(10000, 'x');
  const std::vector<std::string_view> pieces = {bytes};
  const auto written = file->write_at(pieces, 0);
  ::setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, old_handler);
  ASSERT_FALSE(written);
  EXPECT_NE(written.error().message.find(directory / "a"), std::string::npos);
}

TEST(Directory, ListsRenamesAndRemovesNames) {
  const TestDirectory directory;
  for (const char* name : {"b", "a", ".hidden"})
    ASSERT_TRUE(write_file_atomically(directory / name, name));
  EXPECT_EQ(list_names(directory.path).value(), (std::vector<std::string>{".hidden", "a", "b"}));
  ASSERT_TRUE(rename_file(directory / "a", directory / "b"));
  EXPECT_EQ(read_file(directory / "b", 10).value(), "a");
  ASSERT_TRUE(remove_file(directory / "b"));
  EXPECT_EQ(remove_file(directory / "b").error().code, Code::kNotFound);
  EXPECT_EQ(list_names(directory.path).value(), std::vector<std::string>{".hidden"});
  EXPECT_TRUE(sync_directory(directory.path));
  EXPECT_FALSE(sync_directory(directory / "missing"));
  EXPECT_FALSE(list_names(directory / "missing"));
}

}  // namespace
}  // namespace headgate::io
