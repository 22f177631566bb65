#include "wire/http/byteranges.h"

namespace headgate::wire::http {
namespace {

std::uint64_t digits_of(std::uint64_t value) {
  std::uint64_t count = 1;
  while (value >= 10) value /= 10, ++count;
  return count;
}

constexpr std::string_view kBoundaryStart = "--", kLineEnd = "\r\n";
constexpr std::string_view kType = "content-type: ", kRange = "content-range: ";

std::uint64_t head_bytes(const Multipart& multipart, ByteRange range, bool is_first) {
  std::uint64_t bytes = (is_first ? 0 : kLineEnd.size()) + kBoundaryStart.size() +
                        multipart.boundary.size() + kLineEnd.size();
  if (!multipart.content_type.empty())
    bytes += kType.size() + multipart.content_type.size() + kLineEnd.size();
  bytes += kRange.size() + std::string_view("bytes -/").size() + digits_of(range.first) +
           digits_of(range.last) + digits_of(multipart.complete_length);
  return bytes + 2 * kLineEnd.size();
}

}  // namespace

void append_multipart_type(std::string& out, std::string_view boundary) {
  out.append("multipart/byteranges; boundary=").append(boundary);
}

void append_part_head(std::string& out, const Multipart& multipart, ByteRange range,
                      bool is_first) {
  if (!is_first) out += kLineEnd;
  out.append(kBoundaryStart).append(multipart.boundary).append(kLineEnd);
  if (!multipart.content_type.empty())
    out.append(kType).append(multipart.content_type).append(kLineEnd);
  out += kRange;
  append_content_range(out, range, multipart.complete_length);
  out.append(kLineEnd).append(kLineEnd);
}

void append_multipart_end(std::string& out, std::string_view boundary) {
  out.append(kLineEnd).append(kBoundaryStart).append(boundary).append("--\r\n");
}

std::uint64_t multipart_bytes(const Multipart& multipart, const ByteRanges& ranges) {
  std::uint64_t bytes = 0;
  for (const ByteRange& range : ranges)
    bytes += head_bytes(multipart, range, &range == ranges.begin()) + range.size();
  return bytes + std::string_view("\r\n----\r\n").size() + multipart.boundary.size();
}

}  // namespace headgate::wire::http
