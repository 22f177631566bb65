#include "io/watch.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "io/file.h"
#include "io/test_directory.h"

namespace headgate::io {
namespace {

class Watching : public ::testing::Test {
 protected:
  void start(const std::string& path) {
    auto made = Watch::make(loop, path, 8ms, [this] { ++calls; });
    ASSERT_TRUE(made) << made.error().message;
    watch = std::move(*made);
  }
  // Turns until the callback ran once more; false when it stays away.
  bool changed() {
    const int before = calls;
    for (int i = 0; i < 100 && calls == before; ++i) loop.turn(20ms);
    return calls != before;
  }
  // A marker in the watched tree proves that an earlier event would have come by now.
  bool quiet() {
    const int before = calls;
    for (int i = 0; i < 5; ++i) loop.turn(10ms);
    return calls == before;
  }

  TestDirectory directory;
  Loop loop;
  int calls = 0;
  std::unique_ptr<Watch> watch;
};

TEST_F(Watching, ABurstOfChangesIsOneCall) {
  start(directory.path);
  for (int i = 0; i < 20; ++i)
    ASSERT_TRUE(write_file_atomically(directory / "a", std::to_string(i)));
  EXPECT_TRUE(changed());
  EXPECT_TRUE(quiet());
  EXPECT_EQ(calls, 1);
}

TEST_F(Watching, SeesFilesInDirectoriesMadeLater) {
  start(directory.path);
  ASSERT_TRUE(ensure_directory(directory / "new/deep"));
  EXPECT_TRUE(changed());
  ASSERT_TRUE(write_file_atomically(directory / "new/deep/a", "1"));
  EXPECT_TRUE(changed());
  ASSERT_EQ(::unlink((directory / "new/deep/a").c_str()), 0);
  EXPECT_TRUE(changed());
}

TEST_F(Watching, SeesAFileThatIsReplacedAgainAndAgainButNotItsNeighbours) {
  ASSERT_TRUE(write_file_atomically(directory / "a", "0"));
  start(directory / "a");
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(write_file_atomically(directory / "a", std::to_string(i)));
    EXPECT_TRUE(changed()) << i;
  }
  ASSERT_TRUE(write_file_atomically(directory / "b", "1"));
  EXPECT_TRUE(quiet());
}

TEST_F(Watching, SeesTheLinkSwapOfAMountedSecret) {
  for (const char* version : {"..1", "..2"}) {
    ASSERT_TRUE(ensure_directory(directory / version));
    ASSERT_TRUE(write_file_atomically((directory / version) + "/key", version));
  }
  ASSERT_EQ(::symlink("..1", (directory / "..data").c_str()), 0);
  ASSERT_EQ(::symlink("..data/key", (directory / "key").c_str()), 0);
  start(directory / "key");
  ASSERT_EQ(::symlink("..2", (directory / "..tmp").c_str()), 0);
  ASSERT_EQ(::rename((directory / "..tmp").c_str(), (directory / "..data").c_str()), 0);
  EXPECT_TRUE(changed());
  EXPECT_EQ(read_file(directory / "key", 10).value(), "..2");
}

TEST_F(Watching, ARootThatGoesAndComesBackIsWatchedAgain) {
  ASSERT_TRUE(ensure_directory(directory / "root"));
  start(directory / "root");
  ASSERT_EQ(::rename((directory / "root").c_str(), (directory / "away").c_str()), 0);
  EXPECT_TRUE(changed());
  ASSERT_TRUE(ensure_directory(directory / "root"));
  EXPECT_TRUE(changed());
  ASSERT_TRUE(write_file_atomically(directory / "root/a", "1"));
  EXPECT_TRUE(changed());
}

TEST_F(Watching, ADestroyedWatchIsSilent) {
  start(directory.path);
  ASSERT_TRUE(write_file_atomically(directory / "a", "1"));
  watch.reset();
  EXPECT_TRUE(quiet());
}

}  // namespace
}  // namespace headgate::io
