#include "wire/http/byteranges.h"

#include <gtest/gtest.h>

namespace headgate::wire::http {
namespace {

std::string write(const Multipart& multipart, const ByteRanges& ranges, std::string_view content) {
  std::string out;
  for (const ByteRange& range : ranges) {
    append_part_head(out, multipart, range, &range == ranges.begin());
    out += content.substr(range.first, range.size());
  }
  append_multipart_end(out, multipart.boundary);
  return out;
}

ByteRanges ranges_of(std::initializer_list<ByteRange> list) {
  ByteRanges out;
  for (const auto& range : list) out.push(range);
  return out;
}

TEST(ByteRanges, Rfc9110_14_6_PartsCarryTheirTypeAndRange) {
  EXPECT_EQ(
      write({"XX", "text/plain", 26}, ranges_of({{0, 1}, {25, 25}}), "abcdefghijklmnopqrstuvwxyz"),
      "--XX\r\ncontent-type: text/plain\r\ncontent-range: bytes 0-1/26\r\n\r\nab"
      "\r\n--XX\r\ncontent-type: text/plain\r\ncontent-range: bytes 25-25/26\r\n\r\nz"
      "\r\n--XX--\r\n");
  std::string type;
  append_multipart_type(type, "XX");
  EXPECT_EQ(type, "multipart/byteranges; boundary=XX");
}

TEST(ByteRanges, TheLengthIsKnownBeforeAnythingIsWritten) {
  const std::string content(12345, 'x');
  for (const std::string_view type : {"", "a/b"})
    for (const auto& ranges : {ranges_of({{0, 0}, {9, 9}, {99, 100}}),
                               ranges_of({{999, 1000}, {9999, 10000}, {5, 12344}})}) {
      const Multipart multipart{"boundary", type, content.size()};
      EXPECT_EQ(multipart_bytes(multipart, ranges), write(multipart, ranges, content).size());
    }
}

}  // namespace
}  // namespace headgate::wire::http
