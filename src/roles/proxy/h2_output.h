#pragma once
// The way of an HTTP/2 session's frames into its connection: taken when the kernel can have them,
// so that frames of all ready streams share a send, and what is not sent stays in the streams'
// buffers, where flow control counts it. Worker thread.
#include "io/outbox.h"
#include "io/stream.h"
#include "wire/http2/session.h"

namespace headgate::proxy {

// One send carries about this much; the outbox holds at most this and one frame.
inline constexpr std::size_t kOutputBytes = 64 * 1024;
// A stream's buffer at or below this lets its producer go on after it was stopped.
inline constexpr std::size_t kLowWaterBytes = 16 * 1024;

// Sends until nothing is left or the kernel refuses. False: the connection is broken.
bool send_output(wire::http2::Session& session, io::Outbox& out, io::Stream& stream);
// Session::send_body for any size.
void send_body_in_pieces(wire::http2::Session& session, wire::http2::StreamId id,
                         std::string_view bytes, bool end);

}  // namespace headgate::proxy
