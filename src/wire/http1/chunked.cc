#include "wire/http1/chunked.h"

#include <algorithm>

#include "base/ascii.h"
#include "wire/http/text.h"
#include "wire/http1/field_line.h"

namespace headgate::wire::http1 {

void ChunkedDecoder::fail(std::string_view reason) {
  state_ = State::kError;
  error_ = reason;
}

void ChunkedDecoder::reset() {
  state_ = State::kSize;
  digits_ = 0;
  left_ = 0;
  ext_bytes_ = 0;
  trailer_text_.clear();
  trailer_line_ = 0;
  trailers_.clear();
  error_ = {};
}

ChunkedDecoder::Step ChunkedDecoder::next(std::string_view& input) {
  while (true) {
    switch (state_) {
      case State::kEnd: return {Event::kEnd, {}};
      case State::kError: return {Event::kError, {}};
      case State::kData:
        if (input.empty()) return {Event::kNeedMore, {}};
        return take_data(input);
      case State::kTrailers:
        if (input.empty()) return {Event::kNeedMore, {}};
        take_trailers(input);
        break;
      default:
        if (input.empty()) return {Event::kNeedMore, {}};
        take(input.front());
        input.remove_prefix(1);
    }
  }
}

ChunkedDecoder::Step ChunkedDecoder::take_data(std::string_view& input) {
  const std::size_t size = static_cast<std::size_t>(std::min<std::uint64_t>(left_, input.size()));
  const std::string_view data = input.substr(0, size);
  input.remove_prefix(size);
  left_ -= size;
  if (left_ == 0) state_ = State::kDataCr;
  return {Event::kData, data};
}

void ChunkedDecoder::take(char c) {
  switch (state_) {
    case State::kSize: return take_size(c);
    case State::kExtSpace:
    case State::kExt: return take_ext(c);
    case State::kHeadLf: return c == '\n' ? end_head() : fail("CR without LF in a chunk head");
    case State::kDataCr:
      if (c != '\r') return fail("chunk data is longer than its size");
      state_ = State::kDataLf;
      return;
    case State::kDataLf:
      if (c != '\n') return fail("CR without LF behind chunk data");
      digits_ = 0;
      state_ = State::kSize;
      return;
    default: return;
  }
}

void ChunkedDecoder::take_size(char c) {
  if (const int digit = hex_value(c); digit >= 0) {
    if (digits_ == kChunkSizeDigitsMax || left_ > (kContentBytesMax >> 4))
      return fail("chunk size is too large");
    ++digits_;
    left_ = left_ << 4 | static_cast<std::uint64_t>(digit);
    return;
  }
  if (digits_ == 0) return fail("chunk size is no hexadecimal number");
  if (c == '\r') {
    state_ = State::kHeadLf;
  } else if (c == ';' || c == ' ' || c == '\t') {
    state_ = State::kExtSpace;
    take_ext(c);
  } else {
    fail("chunk size is no hexadecimal number");
  }
}

// RFC 9112 §7.1.1. White space is read only where an extension follows; the extension itself is
// dropped, so its grammar matters only as far as it could hide the end of the line.
void ChunkedDecoder::take_ext(char c) {
  if (++ext_bytes_ > kChunkExtBytesMax) return fail("chunk extensions are too long");
  if (state_ == State::kExtSpace) {
    if (c == ';') {
      state_ = State::kExt;
    } else if (c != ' ' && c != '\t') {
      fail("white space behind a chunk size");
    }
    return;
  }
  if (c == '\r') {
    state_ = State::kHeadLf;
  } else if (!http::is_field_value_char(c)) {
    fail("control character in a chunk extension");
  }
}

void ChunkedDecoder::end_head() { state_ = left_ == 0 ? State::kTrailers : State::kData; }

// Collects whole lines up to the empty one; bytes behind it stay in the input.
void ChunkedDecoder::take_trailers(std::string_view& input) {
  const std::size_t lf = input.find('\n');
  const std::size_t size = lf == std::string_view::npos ? input.size() : lf + 1;
  if (trailer_text_.size() + size > kTrailerBytesMax) return fail("trailer section is too long");
  trailer_text_.append(input.substr(0, size));
  input.remove_prefix(size);
  if (lf == std::string_view::npos) return;
  const std::string_view line = std::string_view(trailer_text_).substr(trailer_line_);
  if (!line.ends_with("\r\n")) return fail("LF without CR in the trailer section");
  if (line == "\r\n") return end_trailers();
  trailer_line_ = trailer_text_.size();
}

void ChunkedDecoder::end_trailers() {
  const char* p = trailer_text_.data();
  const char* const end = p + trailer_line_;
  for (std::uint32_t lines = 0; p != end; ++lines) {
    if (lines == kTrailerFieldsMax) return fail("too many trailer fields");
    http::Field field;
    const LineScan line = scan_field_line(p, end, field);
    if (!line.next) return fail(line.error);
    p = line.next;
    if (!http::is_forbidden_trailer(field.id)) trailers_.push_back(field);
  }
  state_ = State::kEnd;
}

}  // namespace headgate::wire::http1
