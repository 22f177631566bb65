#include "app/resume_state.h"

#include <gtest/gtest.h>

namespace headgate::app {
namespace {

TEST(ResumeState, ReadsBackWhatItWrites) {
  ResumeState state{.binary = "/usr/bin/head gate", .restarts = 3, .lock = 9, .tickets = 10, .sockets = {}, .planes = {}};
  state.sockets = {{{"", 80, false}, 5}, {{"::1", 53, true}, 6}};
  state.planes = {{100, 7, false}, {99, 8, true}};
  const auto read = decode_resume_state(encode(state));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->binary, state.binary);
  EXPECT_EQ(read->restarts, 3U);
  EXPECT_EQ(read->lock, 9);
  EXPECT_EQ(read->tickets, 10);
  ASSERT_EQ(read->sockets.size(), 2U);
  EXPECT_EQ(read->sockets[1].name, state.sockets[1].name);
  EXPECT_EQ(read->sockets[1].fd, 6);
  ASSERT_EQ(read->planes.size(), 2U);
  EXPECT_EQ(read->planes[1].pid, 99);
  EXPECT_TRUE(read->planes[1].retiring);
}

TEST(ResumeState, RefusesWhatAnotherVersionMightSay) {
  for (const char* text :
       {"", "restarts 1\n", "binary /x\nsocket 5\n", "binary /x\nsocket 5 tcp//0\n",
        "binary /x\nserving 1\n", "binary /x\nmirror 1 2\n", "binary /x\nserving -1 2\n",
        "binary /x\nrestarts 1 2\n", "binary /x\nlock\n", "binary /x\ntickets 5 6\n"}) {
    EXPECT_FALSE(decode_resume_state(text)) << text;
  }
}

}  // namespace
}  // namespace headgate::app
