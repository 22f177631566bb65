#include "wire/http2/engine.h"

#include <fmt/format.h>
#include <malloc.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/check.h"

namespace headgate::wire::http2 {

const nghttp2_session_callbacks* library_callbacks();  // engine_callbacks.cc

namespace {

constexpr std::size_t kPrefaceBytes = NGHTTP2_CLIENT_MAGIC_LEN;
constexpr std::size_t kFrameHeadBytes = 9;
// A reset budget of the library's own would read a clock; ours (flood.h) is smaller than this one.
constexpr std::uint64_t kNoLibraryLimit = 1 << 30;

// Counting allocator: memory_bytes() says what a connection costs.
void* counted(void* block, void* bytes) {
  if (block) *static_cast<std::size_t*>(bytes) += malloc_usable_size(block);
  return block;
}
void* counted_malloc(std::size_t n, void* bytes) { return counted(std::malloc(n), bytes); }
void* counted_calloc(std::size_t n, std::size_t size, void* bytes) {
  return counted(std::calloc(n, size), bytes);
}
void counted_free(void* block, void* bytes) {
  if (block) *static_cast<std::size_t*>(bytes) -= malloc_usable_size(block);
  std::free(block);
}
void* counted_realloc(void* block, std::size_t n, void* bytes) {
  const std::size_t before = block ? malloc_usable_size(block) : 0;
  void* grown = std::realloc(block, n);
  if (grown) *static_cast<std::size_t*>(bytes) -= before;
  return counted(grown, bytes);
}

nghttp2_option* make_options(const Limits& limits) {
  nghttp2_option* option = nullptr;
  HG_CHECK(nghttp2_option_new(&option) == 0, "memory for HTTP/2 options");
  nghttp2_option_set_no_http_messaging(option, 1);
  nghttp2_option_set_no_auto_window_update(option, 1);
  nghttp2_option_set_no_closed_streams(option, 1);
  nghttp2_option_set_max_reserved_remote_streams(option, 0);
  nghttp2_option_set_max_deflate_dynamic_table_size(option, limits.header_table_bytes);
  nghttp2_option_set_max_outbound_ack(option, limits.acks_queued_max);
  // The library counts every piece that the head of a CONTINUATION arrives in; our scanner counts
  // frames.
  nghttp2_option_set_max_continuations(option, (limits.continuations_max + 1) * kFrameHeadBytes);
  nghttp2_option_set_stream_reset_rate_limit(option, kNoLibraryLimit, kNoLibraryLimit);
  return option;
}

}  // namespace

Engine::Engine(Side side, StreamEvents& events, const Limits& limits)
    : limits_(limits),
      events_(events),
      heads_(limits_),
      guard_(limits_.floods),
      scanner_(limits_, side == Side::kServer ? kPrefaceBytes : 0) {
  HG_CHECK(is_consistent(limits), "HTTP/2 limits contradict each other");
  start(side);
  submit_settings(side);
}

void Engine::start(Side side) {
  nghttp2_mem memory{&library_bytes_, counted_malloc, counted_free, counted_calloc,
                     counted_realloc};
  nghttp2_option* option = make_options(limits_);
  const auto make =
      side == Side::kServer ? nghttp2_session_server_new3 : nghttp2_session_client_new3;
  const int rv = make(&session_, library_callbacks(), this, option, &memory);
  nghttp2_option_del(option);
  HG_CHECK(rv == 0, "memory for an HTTP/2 session");
}

void Engine::submit_settings(Side side) {
  const bool server = side == Side::kServer;
  const std::array<nghttp2_settings_entry, 6> entries = {{
      {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, limits_.header_table_bytes},
      {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits_.stream_window_bytes},
      {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits_.header_bytes_max},
      {NGHTTP2_SETTINGS_NO_RFC7540_PRIORITIES, 1},
      {server ? NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS : NGHTTP2_SETTINGS_ENABLE_PUSH,
       server ? limits_.concurrent_streams_max : 0},
      {NGHTTP2_SETTINGS_ENABLE_CONNECT_PROTOCOL, 1},  // a server's alone
  }};
  const std::size_t count = server ? entries.size() : entries.size() - 1;
  const int settings = nghttp2_submit_settings(session_, NGHTTP2_FLAG_NONE, entries.data(), count);
  const int window = nghttp2_session_set_local_window_size(
      session_, NGHTTP2_FLAG_NONE, 0, static_cast<std::int32_t>(limits_.connection_window_bytes));
  HG_CHECK(settings == 0 && window == 0, "the first SETTINGS are ours");
}

Engine::~Engine() {
  HG_CHECK(!busy_, "an HTTP/2 session was destroyed from inside its own event");
  nghttp2_session_del(session_);
}

std::unexpected<Error> Engine::failed(std::string message) {
  failed_ = true;
  return fail(Code::kInvalid, std::move(message),
              accepts_new_streams() ? Source::kClient : Source::kOrigin);
}

Status Engine::feed(std::string_view bytes, Instant now) {
  HG_CHECK(!busy_, "feed from inside an event");
  if (failed_) return failed("HTTP/2 connection already failed");
  now_ = now;
  if (const auto flood = scanner_.scan(bytes, guard_, now)) kill(*flood);
  stats_.resets_received = scanner_.resets();
  ssize_t rv = 0;
  if (!killed_) {
    busy_ = true;
    rv = nghttp2_session_mem_recv(session_, reinterpret_cast<const std::uint8_t*>(bytes.data()),
                                  bytes.size());
    busy_ = false;
  }
  if (rv == NGHTTP2_ERR_FLOODED) kill(Flood::kAcks);
  if (killed_) {
    obey_kill();
    return failed(fmt::format("HTTP/2 flood: {}", to_string(*killed_)));
  }
  if (rv < 0) return failed(fmt::format("HTTP/2: {}", nghttp2_strerror(static_cast<int>(rv))));
  return {};
}

bool Engine::wants_write() const {
  return (last_due_ && !failed_) || nghttp2_session_want_write(session_) != 0;
}

bool Engine::is_over() const {
  if (failed_) return true;
  return !draining_ && nghttp2_session_want_read(session_) == 0;
}

void Engine::take_output(std::string& out, std::size_t bytes_max) {
  HG_CHECK(!busy_, "take_output from inside an event");
  const std::size_t size_max = out.size() + bytes_max;
  before_output();
  for (bool again = true; again;) {
    busy_ = true;
    pump(out, size_max);
    busy_ = false;
    again = out.size() < size_max && (!writable_.empty() || (killed_ && !kill_obeyed_));
    if (killed_) obey_kill();
    tell_writable();
  }
}

// Appends frames. DATA frames arrive by write_data, in order with the others. A GOAWAY that names
// the last stream leaves before anything else is read, whatever `size_max` says: the library would
// close a stream that came in between, after its request was begun. Only control frames and heads
// stand before it.
void Engine::pump(std::string& out, std::size_t size_max) {
  out_ = &out;
  out_size_max_ = size_max;
  while (out.size() < size_max || last_unsent_) {
    const std::uint8_t* data = nullptr;
    const ssize_t n = nghttp2_session_mem_send(session_, &data);
    if (n < 0) failed_ = true;
    if (n <= 0) break;
    out.append(reinterpret_cast<const char*>(data), static_cast<std::size_t>(n));
  }
  out_ = nullptr;
}

void Engine::tell_writable() {
  std::vector<StreamId> ready;
  ready.swap(writable_);
  for (const StreamId id : ready)
    if (usable(id)) events_.on_writable(id);
  if (writable_.empty()) {
    ready.clear();
    ready.swap(writable_);  // keeps the memory
  }
}

Stream* Engine::usable(StreamId id) {
  Stream* stream = streams_.find(id);
  return stream && !stream->gone && !stream->quiet && !stream->fault ? stream : nullptr;
}

std::size_t Engine::send_body(StreamId id, std::string_view bytes, bool end_stream) {
  HG_CHECK(bytes.size() <= kBodyCallBytesMax, "send_body takes at most kBodyCallBytesMax");
  Stream* stream = usable(id);
  if (!stream) return 0;
  HG_CHECK(stream->head_sent && !stream->output_ended, "body before the head or after the end");
  stream->send.append(bytes);
  stream->output_ended = end_stream;
  if (!bytes.empty() || end_stream) nghttp2_session_resume_data(session_, id);
  stream->blocked = stream->send.size() >= limits_.send_buffer_high_bytes;
  return stream->send.size();
}

void Engine::submit_trailers(StreamId id, const http::Fields& fields) {
  Stream* stream = usable(id);
  if (!stream) return;
  HG_CHECK(stream->head_sent && !stream->output_ended, "trailers before the head or after the end");
  stream->output_ended = true;
  stream->trailers = std::make_unique<FieldBlock>();
  stream->trailers->add(fields);
  stream->trailers->own();
  nghttp2_session_resume_data(session_, id);
}

void Engine::submit_pending_trailers(Stream& stream) {
  if (stream.trailers_sent) return;
  stream.trailers_sent = true;
  nghttp2_submit_trailer(session_, stream.id, stream.trailers->data(), stream.trailers->size());
  stream.trailers.reset();
}

void Engine::reset(StreamId id, ErrorCode code) {
  Stream* stream = usable(id);
  if (!stream) return;
  stream->quiet = true;
  submit_reset(*stream, code);
}

bool Engine::is_shut(StreamId id) const {
  return streams_.find(id) && nghttp2_session_get_stream_remote_window_size(session_, id) <= 0;
}

std::vector<WaitingStream> Engine::waiting_streams() const {
  std::vector<WaitingStream> waiting;
  streams_.for_each([&](const Stream& stream) {
    if (stream.send.size() > 0 && !stream.tunnel)
      waiting.push_back({stream.id, stream.body_sent, is_shut(stream.id)});
  });
  return waiting;
}

void Engine::submit_reset(Stream& stream, ErrorCode code) {
  stream.discard = true;
  stream.send.free();
  nghttp2_submit_rst_stream(session_, NGHTTP2_FLAG_NONE, stream.id,
                            static_cast<std::uint32_t>(code));
}

void Engine::terminate(ErrorCode code) {
  if (failed_) return;
  failed_ = true;
  nghttp2_session_terminate_session(session_, static_cast<std::uint32_t>(code));
}

void Engine::ping(std::uint64_t opaque) {
  std::array<std::uint8_t, 8> bytes{};
  for (std::size_t i = 0; i < bytes.size(); ++i)
    bytes[i] = static_cast<std::uint8_t>(opaque >> (56 - 8 * i));
  nghttp2_submit_ping(session_, NGHTTP2_FLAG_NONE, bytes.data());
}

// The stream's own credit always follows the reader; the connection's was mostly given at once (see
// on_data).
void Engine::consume(StreamId id, std::size_t bytes) {
  Stream* stream = streams_.find(id);
  if (!stream) return;
  bytes = std::min(bytes, stream->held);
  credit(*stream, bytes);
  if (!stream->gone && !stream->input_ended) nghttp2_session_consume_stream(session_, id, bytes);
}

void Engine::credit(Stream& stream, std::size_t bytes) {
  stream.held -= bytes;
  held_ -= bytes;
  const std::size_t pay =
      held_ < limits_.held_bytes_max ? std::min(owed_, limits_.held_bytes_max - held_) : 0;
  if (pay == 0) return;
  owed_ -= pay;
  nghttp2_session_consume_connection(session_, pay);
}

Stream& Engine::open_stream(StreamId id) {
  ++stats_.streams;
  return streams_.add(id);
}

void Engine::announce(Stream& stream) {
  if (stream.announced) return;
  stream.announced = true;
  ++open_;
}

void Engine::break_stream(Stream& stream, ErrorCode code, const char* reason) {
  if (stream.fault || stream.gone) return;
  stream.fault = reason;
  submit_reset(stream, code);
  if (!stream.announced || stream.quiet || stream.reset_told) return;
  stream.reset_told = true;
  events_.on_reset(stream.id, {code, false, reason, true});
}

void Engine::forget_if_done(Stream& stream) {
  if (!stream.close_told || stream.counted) return;
  credit(stream, stream.held);
  streams_.remove(stream.id);
}

void Engine::charge(Flood kind) {
  if (!guard_.charge(kind, now_)) kill(kind);
}

void Engine::kill(Flood kind) {
  if (!killed_) killed_ = kind;
}

// GOAWAY after everything that is already queued to leave; streams are not told one by one.
void Engine::obey_kill() {
  if (kill_obeyed_) return;
  kill_obeyed_ = failed_ = true;
  nghttp2_session_terminate_session(session_, NGHTTP2_ENHANCE_YOUR_CALM);
  events_.on_flood(*killed_);
}

}  // namespace headgate::wire::http2
