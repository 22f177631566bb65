#include "origin/body.h"

#include <gtest/gtest.h>

namespace headgate::bench {
namespace {

TEST(Body, IsOfLetters) {
  for (const char byte : body_of(1024)) EXPECT_TRUE(byte >= 'a' && byte <= 'z');
}

TEST(Body, BeginsAlikeInEveryLength) {
  EXPECT_EQ(body_of(64 * 1024), body_of(1024 * 1024).substr(0, 64 * 1024));
}

// A server that sends a block twice, or the wrong one, must not pass for right.
TEST(Body, HasNoTwoBlocksAlike) {
  const std::string body = body_of(1024 * 1024);
  const std::string first = body.substr(0, 64);
  EXPECT_EQ(body.find(first, 1), std::string::npos);
  EXPECT_EQ(body.find(body.substr(512 * 1024, 64)), 512U * 1024);
}

}  // namespace
}  // namespace headgate::bench
