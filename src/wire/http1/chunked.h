#pragma once
// Decoder of the chunked transfer coding (RFC 9112 §7.1), strict: 1*HEXDIG, CRLF alone, extensions
// and trailers bounded. Data comes out as views into the input; nothing is copied but the trailer
// section. One per message, single thread; reset() makes it new and keeps its memory. What is sent
// on is framed anew: chunk heads never pass through.
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/http/field.h"
#include "wire/http1/limits.h"

namespace headgate::wire::http1 {

class ChunkedDecoder {
 public:
  enum class Event { kData, kNeedMore, kEnd, kError };
  struct Step {
    Event event;
    std::string_view data;  // kData: never empty, a view into the input
  };

  // Takes one step and moves `input` past what it used. Call until kNeedMore (input is empty then),
  // kEnd (input begins behind the message) or kError; the last two repeat until reset().
  Step next(std::string_view& input);

  // After kEnd: the trailer fields, without those that RFC 9110 §6.5.1 forbids. Views into the
  // decoder, until reset().
  const http::Fields& trailers() const { return trailers_; }
  std::string_view error() const { return error_; }  // static text, after kError
  void reset();

 private:
  enum class State : std::uint8_t {
    kSize,
    kExtSpace,
    kExt,
    kHeadLf,
    kData,
    kDataCr,
    kDataLf,
    kTrailers,
    kEnd,
    kError,
  };

  // One byte of a chunk head or of the CRLF behind chunk data.
  void take(char c);
  void take_size(char c);
  void take_ext(char c);
  void end_head();
  Step take_data(std::string_view& input);
  void take_trailers(std::string_view& input);
  void end_trailers();
  void fail(std::string_view reason);

  State state_ = State::kSize;
  std::uint8_t digits_ = 0;
  std::uint64_t left_ = 0;  // of the chunk
  std::size_t ext_bytes_ = 0;
  std::string trailer_text_;
  std::size_t trailer_line_ = 0;  // where the unfinished line begins in trailer_text_
  http::Fields trailers_;
  std::string_view error_;
};

}  // namespace headgate::wire::http1
