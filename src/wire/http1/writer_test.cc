#include "wire/http1/writer.h"

#include <gtest/gtest.h>

namespace headgate::wire::http1 {
namespace {

TEST(Writer, AHeadIsWrittenPieceByPiece) {
  std::string out = "before ";
  append_status_line(out, 200, {});
  append_fields(out, {{"a", "b"}, {"c", ""}});
  append_content_length(out, 0);
  append_content_length(out, 10);
  append_content_length(out, UINT64_MAX);
  EXPECT_EQ(out,
            "before HTTP/1.1 200 OK\r\na: b\r\nc: \r\ncontent-length: 0\r\ncontent-length: 10\r\n"
            "content-length: 18446744073709551615\r\n");
}

TEST(Writer, AStatusWithoutAPhraseKeepsItsSpace) {
  std::string out;
  append_status_line(out, 299, {});
  EXPECT_EQ(out, "HTTP/1.1 299 \r\n");
}

}  // namespace
}  // namespace headgate::wire::http1
