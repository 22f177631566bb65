#include <algorithm>

#include "wire/http1/head.h"
#include "wire/http1/scan.h"
#include "wire/http1/writer.h"

namespace headgate::wire::http1 {
namespace {

enum class Mark { kLine, kHeadEnd, kSecondEmptyLine, kBareLf, kNul };

// What the LF or NUL at `at` means. An empty line at the very front is the one that RFC 9112 §2.2
// lets a server skip.
Mark classify(std::string_view buffer, std::size_t at) {
  if (buffer[at] == '\0') return Mark::kNul;
  if (at == 0 || buffer[at - 1] != '\r') return Mark::kBareLf;
  if (at == 1 || buffer[at - 2] != '\n') return Mark::kLine;
  return at == 3 ? Mark::kSecondEmptyLine : Mark::kHeadEnd;
}

// A start line begins with a token character: white space in front is a smuggling attempt (RFC 9112
// §2.2), and anything else (a TLS record, for example) will never become a head, so waiting for its
// end would be waste.
bool starts_well(std::string_view buffer) {
  if (buffer.empty() || http::is_token_char(buffer[0])) return true;
  if (buffer == kCrlf) return true;
  if (buffer.starts_with(kCrlf)) buffer.remove_prefix(2);
  return http::is_token_char(buffer[0]) || buffer[0] == '\r';  // a stray CR is found with its line
}

}  // namespace

std::expected<std::optional<std::size_t>, HeadError> find_head_end(std::string_view buffer,
                                                                   std::size_t& scanned,
                                                                   const HeadLimits& limits) {
  if (!starts_well(buffer))
    return std::unexpected(HeadError{400, "start line begins with no token"});
  const std::size_t size = std::min<std::size_t>(buffer.size(), limits.head_bytes_max);
  const char* const begin = buffer.data();
  std::size_t at = 0;
  Mark mark = Mark::kLine;
  const std::size_t from = std::min(scanned, size);
  for_each_line_mark(begin, begin + from, begin + size, [&](std::size_t position) {
    at = position;
    mark = classify(buffer, at);
    return mark == Mark::kLine;
  });
  scanned = size;
  switch (mark) {
    case Mark::kHeadEnd: scanned = at + 1; return std::optional(at + 1);
    case Mark::kNul: return std::unexpected(HeadError{400, "NUL in the head"});
    case Mark::kBareLf: return std::unexpected(HeadError{400, "LF without CR in the head"});
    case Mark::kSecondEmptyLine:
      return std::unexpected(HeadError{400, "empty lines before the start line"});
    case Mark::kLine: break;
  }
  if (size < limits.head_bytes_max) return std::nullopt;
  const bool in_start_line = buffer.substr(0, size).find('\n', 2) == std::string_view::npos;
  if (in_start_line) return std::unexpected(HeadError{414, "start line is too long"});
  return std::unexpected(HeadError{431, "head is too long"});
}

}  // namespace headgate::wire::http1
