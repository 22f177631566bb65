#pragma once
// Reads HTTP/1.1 responses with a Content-Length from a stream of bytes, for load generators that
// only need to know when one is complete. The body is counted, not kept. A head over kHeadBytesMax
// or without Content-Length is malformed.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace headgate::bench {

class ResponseReader {
 public:
  static constexpr std::size_t kHeadBytesMax = 16 * 1024;
  enum class State : std::uint8_t { kHead, kBody, kComplete, kMalformed };

  // Takes the next bytes of one response; bytes after its end are malformed, since nothing here
  // pipelines.
  State feed(std::string_view bytes);
  void reset();

  State state() const { return state_; }
  int status() const { return status_; }
  bool closes() const { return closes_; }  // the server announced that it closes the connection

 private:
  State take_head();
  State take_body(std::size_t bytes);

  State state_ = State::kHead;
  int status_ = 0;
  bool closes_ = false;
  std::uint64_t body_bytes_left_ = 0;
  std::string head_;
};

}  // namespace headgate::bench
