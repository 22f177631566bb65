#include "base/check.h"
#include "wire/websocket/websocket.h"

// Byte by byte and all at once, the walk ends in the same place. First byte: code; the rest: stream
// and reason.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace headgate::wire::websocket;
  if (size == 0) return 0;
  const std::string_view in(reinterpret_cast<const char*>(data) + 1, size - 1);
  FrameWalk whole, bytewise;
  const std::size_t last = whole.advance(in);
  std::size_t expected = FrameWalk::kNone;
  for (std::size_t i = 0; i < in.size(); ++i)
    if (bytewise.advance(in.substr(i, 1)) == 1) expected = i + 1;
  HG_CHECK(last == expected, "same boundary");
  HG_CHECK(whole.failed() == bytewise.failed() && whole.close_seen() == bytewise.close_seen(),
           "same state");
  (void)is_valid_key(in);
  std::string frame;
  append_close_to_server(frame, static_cast<std::uint16_t>(4000 + data[0]), in, {1, 2, 3, 4});
  FrameWalk own;
  HG_CHECK(own.advance(frame) == frame.size() && own.close_seen() && frame.size() <= 131,
           "one control frame");
  return 0;
}
