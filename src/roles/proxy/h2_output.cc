#include "roles/proxy/h2_output.h"

namespace headgate::proxy {

bool send_output(wire::http2::Session& session, io::Outbox& out, io::Stream& stream) {
  // Shared by the connections of a worker: a connection holds memory only for what is stuck.
  static thread_local std::string frames;
  if (!out.flush(stream)) return false;
  while (out.empty() && session.wants_write()) {
    frames.clear();
    session.take_output(frames, kOutputBytes);
    if (frames.empty()) break;
    if (!out.write(stream, frames)) return false;
  }
  out.shrink();
  return true;
}

void send_body_in_pieces(wire::http2::Session& session, wire::http2::StreamId id,
                         std::string_view bytes, bool end) {
  constexpr std::size_t kPiece = wire::http2::kBodyCallBytesMax;
  while (bytes.size() > kPiece) {
    session.send_body(id, bytes.substr(0, kPiece), false);
    bytes.remove_prefix(kPiece);
  }
  session.send_body(id, bytes, end);
}

}  // namespace headgate::proxy
