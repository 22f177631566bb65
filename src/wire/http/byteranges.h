#pragma once
// Writes multipart/byteranges (RFC 9110 §14.6): the heads between the parts, and the length of all
// of it before the first byte is sent. Pure, any thread. The boundary is the caller's: random, so
// that no content holds it, of letters and digits.
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/http/range.h"

namespace headgate::wire::http {

struct Multipart {
  std::string_view boundary;
  std::string_view content_type;  // of the representation; empty: none
  std::uint64_t complete_length = 0;
};

// "multipart/byteranges; boundary=..."
void append_multipart_type(std::string& out, std::string_view boundary);
// What stands before the content of a part. `is_first`: no line end before its boundary.
void append_part_head(std::string& out, const Multipart& multipart, ByteRange range, bool is_first);
void append_multipart_end(std::string& out, std::string_view boundary);

// Of the whole multipart content, heads and end included.
std::uint64_t multipart_bytes(const Multipart& multipart, const ByteRanges& ranges);

}  // namespace headgate::wire::http
