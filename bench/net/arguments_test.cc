#include "net/arguments.h"

#include <gtest/gtest.h>

#include <array>
#include <vector>

namespace headgate::bench {
namespace {

struct Taken {
  std::uint64_t port = 0, clients = 7;
  std::string path = "/1k";
};

Taken take(std::vector<std::string> line) {
  Taken taken;
  const std::array known = {
      Argument{"port", &taken.port, 1, 65535},
      Argument{"clients", &taken.clients},
      Argument{"path", &taken.path},
  };
  std::string program = "bench_x";
  std::vector<char*> words = {program.data()};
  for (std::string& word : line) words.push_back(word.data());
  parse_arguments(static_cast<int>(words.size()), words.data(), known);
  return taken;
}

TEST(Arguments, FillWhatTheyNameAndLeaveTheRest) {
  const Taken got = take({"--path", "/cold/1", "--port", "80"});
  EXPECT_EQ(got.port, 80U);
  EXPECT_EQ(got.path, "/cold/1");
  EXPECT_EQ(got.clients, 7U);
}

TEST(Arguments, RefuseWhatIsNotKnown) {
  const auto refused = testing::ExitedWithCode(2);
  EXPECT_EXIT(take({"--port", "80", "--rate", "1"}), refused,
              "usage: bench_x \\[--port N\\] .*--path TEXT");
  EXPECT_EXIT(take({"port", "80"}), refused, "usage");
  EXPECT_EXIT(take({"--port"}), refused, "usage");
}

TEST(Arguments, RefuseNumbersOutOfTheirBounds) {
  const auto refused = testing::ExitedWithCode(2);
  EXPECT_EXIT(take({"--port", "65536"}), refused, "up to 65535");
  EXPECT_EXIT(take({"--port", "-1"}), refused, "must be a number");
  EXPECT_EXIT(take({}), refused, "usage");  // a port there must be
}

}  // namespace
}  // namespace headgate::bench
