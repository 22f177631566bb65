// The library's callbacks, as methods of Engine.
#include <algorithm>

#include "base/check.h"
#include "wire/http2/engine.h"

namespace headgate::wire::http2 {
namespace {

// Below this a DATA frame that was cut by a window, not by the end of what we have, is a dribble
// (CVE-2019-9511).
constexpr std::size_t kDribbleBytes = 64;
constexpr StreamId kStreamIdMax = 0x7fffffff;  // in GOAWAY: the last stream is not fixed yet

std::string_view view(const std::uint8_t* bytes, std::size_t n) {
  return {reinterpret_cast<const char*>(bytes), n};
}

}  // namespace

struct Callbacks {
  static Engine& engine(void* user) { return *static_cast<Engine*>(user); }
  static int begin_headers(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return engine(user).on_begin_headers(*frame);
  }
  static int header(nghttp2_session*, const nghttp2_frame*, const std::uint8_t* name,
                    std::size_t name_size, const std::uint8_t* value, std::size_t value_size,
                    std::uint8_t, void* user) {
    return engine(user).on_header(view(name, name_size), view(value, value_size));
  }
  static int frame_recv(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    return engine(user).on_frame(*frame);
  }
  static int begin_frame(nghttp2_session*, const nghttp2_frame_hd* head, void* user) {
    engine(user).data_left_ = static_cast<std::uint32_t>(head->length);
    return 0;
  }
  static int data_chunk(nghttp2_session*, std::uint8_t flags, std::int32_t id,
                        const std::uint8_t* data, std::size_t size, void* user) {
    return engine(user).on_data(flags, id, view(data, size));
  }
  static int frame_send(nghttp2_session*, const nghttp2_frame* frame, void* user) {
    engine(user).on_sent(*frame);
    return 0;
  }
  static int frame_not_send(nghttp2_session*, const nghttp2_frame* frame, int, void* user) {
    engine(user).on_not_sent(*frame);
    return 0;
  }
  static int stream_close(nghttp2_session*, std::int32_t id, std::uint32_t code, void* user) {
    engine(user).on_close(id, static_cast<ErrorCode>(code));
    return 0;
  }
  static int send_data(nghttp2_session*, nghttp2_frame* frame, const std::uint8_t* header,
                       std::size_t length, nghttp2_data_source* source, void* user) {
    return engine(user).write_data(*frame, header, length, *static_cast<Stream*>(source->ptr));
  }
  static ssize_t read(nghttp2_session*, std::int32_t, std::uint8_t*, std::size_t length,
                      std::uint32_t* flags, nghttp2_data_source* source, void* user) {
    return engine(user).read_body(*static_cast<Stream*>(source->ptr), length, *flags);
  }

  static nghttp2_session_callbacks* make() {
    nghttp2_session_callbacks* table = nullptr;
    HG_CHECK(nghttp2_session_callbacks_new(&table) == 0, "memory for HTTP/2 callbacks");
    nghttp2_session_callbacks_set_on_begin_headers_callback(table, begin_headers);
    nghttp2_session_callbacks_set_on_header_callback(table, header);
    nghttp2_session_callbacks_set_on_frame_recv_callback(table, frame_recv);
    nghttp2_session_callbacks_set_on_begin_frame_callback(table, begin_frame);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(table, data_chunk);
    nghttp2_session_callbacks_set_on_frame_send_callback(table, frame_send);
    nghttp2_session_callbacks_set_on_frame_not_send_callback(table, frame_not_send);
    nghttp2_session_callbacks_set_on_stream_close_callback(table, stream_close);
    nghttp2_session_callbacks_set_send_data_callback(table, send_data);
    return table;
  }
};

// One immutable table for every session; it lives as long as the process.
const nghttp2_session_callbacks* library_callbacks() {
  static const nghttp2_session_callbacks* const table = Callbacks::make();
  return table;
}

nghttp2_data_provider Engine::body_of(Stream& stream) {
  nghttp2_data_provider provider{};
  provider.source.ptr = &stream;
  provider.read_callback = Callbacks::read;
  return provider;
}

int Engine::on_begin_headers(const nghttp2_frame& frame) {
  Stream* stream = streams_.find(frame.hd.stream_id);
  if (!stream && accepts_new_streams()) stream = &open_stream(frame.hd.stream_id);
  block_stream_ = stream;
  if (stream)
    heads_.begin(stream->head_done ? HeadAssembler::Kind::kTrailers : head_begun(*stream));
  return 0;
}

int Engine::on_header(std::string_view name, std::string_view value) {
  if (!block_stream_) return 0;
  if (heads_.add(name, value)) return 0;
  kill(Flood::kContinuations);
  return NGHTTP2_ERR_CALLBACK_FAILURE;
}

int Engine::on_frame(const nghttp2_frame& frame) {
  const bool end_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  switch (frame.hd.type) {
    case NGHTTP2_HEADERS:
      if (block_stream_) finish_block(*block_stream_, end_stream);
      block_stream_ = nullptr;
      break;
    case NGHTTP2_DATA: on_data_frame(frame); break;
    case NGHTTP2_SETTINGS:
      if (!(frame.hd.flags & NGHTTP2_FLAG_ACK)) settings_received();
      break;
    case NGHTTP2_GOAWAY:
      goaway_received(frame.goaway.last_stream_id, static_cast<ErrorCode>(frame.goaway.error_code));
      events_.on_goaway(frame.goaway.last_stream_id,
                        static_cast<ErrorCode>(frame.goaway.error_code));
      break;
    case NGHTTP2_PING: {
      if (!(frame.hd.flags & NGHTTP2_FLAG_ACK)) break;
      std::uint64_t opaque = 0;
      for (const std::uint8_t byte : frame.ping.opaque_data) opaque = opaque << 8 | byte;
      events_.on_ping_ack(opaque);
      break;
    }
    default: break;
  }
  return killed_ ? NGHTTP2_ERR_CALLBACK_FAILURE : 0;
}

void Engine::finish_block(Stream& stream, bool end_stream) {
  if (stream.discard) {
    if (end_stream) stream.input_ended = true;
    return;
  }
  if (!stream.head_done) return head_complete(stream, end_stream);
  trailers_complete(stream, end_stream);
}

void Engine::trailers_complete(Stream& stream, bool end_stream) {
  const HeadAssembler::Verdict verdict = heads_.finish_trailers(trailers_);
  if (!verdict.ok()) {
    ++(verdict.status == 431 ? stats_.oversized_heads : stats_.bad_heads);
    return break_stream(stream, ErrorCode::kProtocolError, verdict.reason);
  }
  if (!end_stream)
    return break_stream(stream, ErrorCode::kProtocolError, "trailers do not end the stream");
  end_input(stream);
  if (!stream.fault) events_.on_trailers(stream.id, trailers_, heads_.storage());
}

void Engine::end_input(Stream& stream) {
  if (stream.has_length && !stream.no_body && stream.body_received != stream.length)
    return break_stream(stream, ErrorCode::kProtocolError, "content shorter than content-length");
  stream.input_ended = true;
}

// Content came in by on_data; what is left is END_STREAM that could not be seen there.
void Engine::on_data_frame(const nghttp2_frame& frame) {
  const bool end_stream = (frame.hd.flags & NGHTTP2_FLAG_END_STREAM) != 0;
  // A frame without any payload was charged by its header already.
  if (!end_stream && frame.hd.length > 0 && frame.hd.length == frame.data.padlen)
    charge(Flood::kEmptyData);
  Stream* stream = streams_.find(frame.hd.stream_id);
  if (!stream || !end_stream || stream->input_ended) return;
  if (stream->discard) {
    stream->input_ended = true;
    return;
  }
  end_input(*stream);
  if (!stream->fault) events_.on_body(stream->id, {}, true);
}

int Engine::on_data(std::uint8_t flags, StreamId id, std::string_view bytes) {
  data_left_ -= static_cast<std::uint32_t>(std::min<std::size_t>(bytes.size(), data_left_));
  Stream* stream = streams_.find(id);
  if (stream && !stream->discard) {
    stream->body_received += bytes.size();
    if (!stream->head_done)
      break_stream(*stream, ErrorCode::kProtocolError, "content before the head");
    if (stream->no_body)
      break_stream(*stream, ErrorCode::kProtocolError, "content where none may be");
    if (stream->has_length && stream->body_received > stream->length)
      break_stream(*stream, ErrorCode::kProtocolError, "content longer than content-length");
  }
  if (!stream || stream->discard) {
    nghttp2_session_consume(session_, id, bytes.size());
    return 0;
  }
  stream->held += bytes.size();
  held_ += bytes.size();
  const std::size_t now = held_ <= limits_.held_bytes_max ? bytes.size() : 0;
  owed_ += bytes.size() - now;
  nghttp2_session_consume_connection(session_, now);

  // The last bytes of an unpadded frame carry its END_STREAM: one event instead of two.
  const bool last =
      (flags & NGHTTP2_FLAG_END_STREAM) && !(flags & NGHTTP2_FLAG_PADDED) && data_left_ == 0;
  if (last) end_input(*stream);
  if (!stream->fault) events_.on_body(id, bytes, last);
  return 0;
}

ssize_t Engine::read_body(Stream& stream, std::size_t length_max, std::uint32_t& flags) {
  const std::size_t n = std::min(length_max, stream.send.size());
  const bool all = n == stream.send.size();
  // Trailers alone: no empty DATA frame before them.
  if (n == 0 && stream.output_ended && (stream.trailers || stream.trailers_sent))
    submit_pending_trailers(stream);
  if (n == 0 && (!stream.output_ended || stream.trailers_sent)) return NGHTTP2_ERR_DEFERRED;
  flags |= NGHTTP2_DATA_FLAG_NO_COPY;
  if (!all && n < kDribbleBytes) charge(Flood::kDribbles);
  if (!all || !stream.output_ended) return static_cast<ssize_t>(n);
  flags |= NGHTTP2_DATA_FLAG_EOF;
  if (stream.trailers) {
    flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
    submit_pending_trailers(stream);
  }
  return static_cast<ssize_t>(n);
}

int Engine::write_data(const nghttp2_frame& frame, const std::uint8_t* header, std::size_t length,
                       Stream& stream) {
  HG_CHECK(frame.data.padlen == 0, "we send no padding");
  out_->append(reinterpret_cast<const char*>(header), 9);
  out_->append(stream.send.front(length));
  stream.send.take(length);
  stream.body_sent += length;
  stats_.body_bytes_sent += length;
  guard_.credit_data_frame();
  if (stream.blocked && stream.send.size() <= limits_.send_buffer_low_bytes) {
    stream.blocked = false;
    writable_.push_back(stream.id);
  }
  return out_->size() >= out_size_max_ ? NGHTTP2_ERR_PAUSE : 0;
}

void Engine::on_sent(const nghttp2_frame& frame) {
  if (frame.hd.type == NGHTTP2_GOAWAY && frame.goaway.last_stream_id != kStreamIdMax)
    last_unsent_ = false;
  Stream* stream = streams_.find(frame.hd.stream_id);
  if (frame.hd.type == NGHTTP2_RST_STREAM) {
    if (stream && stream->quiet) return;
    if (frame.rst_stream.error_code == NGHTTP2_NO_ERROR) return;
    ++stats_.resets_by_peer_fault;
    charge(Flood::kResets);
    return;
  }
  const bool carries_end = frame.hd.type == NGHTTP2_DATA || frame.hd.type == NGHTTP2_HEADERS;
  if (!stream || !carries_end || !(frame.hd.flags & NGHTTP2_FLAG_END_STREAM)) return;
  stream->end_sent = true;
  stream_ended(*stream);
}

// A request that could not start has no stream in the library that would close: it is told here.
void Engine::on_not_sent(const nghttp2_frame& frame) {
  if (frame.hd.type != NGHTTP2_HEADERS || failed_) return;
  Stream* stream = streams_.find(frame.hd.stream_id);
  if (!stream || stream->gone) return;
  if (frame.headers.cat == NGHTTP2_HCAT_REQUEST)
    return on_close(stream->id, ErrorCode::kRefusedStream);
  break_stream(*stream, ErrorCode::kInternalError, "head could not be sent");
}

void Engine::on_close(StreamId id, ErrorCode code) {
  Stream* stream = streams_.find(id);
  if (!stream || stream->gone) return;
  stream->gone = true;
  stream->send.free();
  if (stream == block_stream_) block_stream_ = nullptr;
  // Nothing that the owner still waits for is lost when its side of the answer is whole.
  const bool complete = accepts_new_streams() ? stream->end_sent : stream->input_ended;
  if (stream->announced) {
    --open_;
    if (!complete && !stream->quiet && !stream->reset_told) {
      stream->reset_told = true;
      const bool unprocessed =
          !accepts_new_streams() && (code == ErrorCode::kRefusedStream || is_refused_by_goaway(id));
      events_.on_reset(id, {code, unprocessed, "reset by the peer", false});
    }
    events_.on_stream_closed(id);
  }
  stream->close_told = true;
  forget_if_done(*stream);
}

}  // namespace headgate::wire::http2
