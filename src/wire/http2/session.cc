#include "wire/http2/session.h"

#include <utility>

#include "wire/http2/engine.h"

namespace headgate::wire::http2 {

Session::Session(std::unique_ptr<Engine> engine) : engine_(std::move(engine)) {}
Session::~Session() = default;

Status Session::feed(std::string_view bytes, Instant now) { return engine_->feed(bytes, now); }
bool Session::wants_write() const { return engine_->wants_write(); }
void Session::take_output(std::string& out, std::size_t bytes_max) {
  engine_->take_output(out, bytes_max);
}
bool Session::is_over() const { return engine_->is_over(); }
std::uint64_t Session::unfinished_input() const { return engine_->unfinished_input(); }

std::size_t Session::send_body(StreamId stream, std::string_view bytes, bool end_stream) {
  return engine_->send_body(stream, bytes, end_stream);
}
void Session::submit_trailers(StreamId stream, const http::Fields& fields) {
  engine_->submit_trailers(stream, fields);
}
void Session::reset(StreamId stream, ErrorCode code) { engine_->reset(stream, code); }
void Session::consume(StreamId stream, std::size_t bytes) { engine_->consume(stream, bytes); }
void Session::terminate(ErrorCode code) { engine_->terminate(code); }
void Session::ping(std::uint64_t opaque) { engine_->ping(opaque); }

std::size_t Session::open_streams() const { return engine_->open_streams(); }
std::size_t Session::buffered_bytes(StreamId stream) const {
  const Stream* found = engine_->stream(stream);
  return found ? found->send.size() : 0;
}
std::uint64_t Session::sent_bytes(StreamId stream) const {
  const Stream* found = engine_->stream(stream);
  return found ? found->body_sent : 0;
}
std::vector<WaitingStream> Session::waiting_streams() const { return engine_->waiting_streams(); }
bool Session::is_shut(StreamId stream) const { return engine_->is_shut(stream); }
std::size_t Session::held_bytes() const { return engine_->held_bytes(); }
std::size_t Session::memory_bytes() const { return engine_->memory_bytes(); }
const SessionStats& Session::stats() const { return engine_->stats(); }

}  // namespace headgate::wire::http2
