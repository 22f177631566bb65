#include "roles/proxy/stream_h2.h"

#include "base/ascii.h"
#include "roles/proxy/exchange.h"
#include "roles/proxy/h2_output.h"
#include "roles/proxy/session_h2.h"
#include "roles/proxy/websocket_bridge.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace http2 = wire::http2;

void StreamH2::begin(http2::StreamId id, Exchange& exchange, bool end_stream) {
  id_ = id;
  exchange_ = &exchange;
  withheld_ = 0;
  reading_ = {};
  early_.clear();
  tunnel_ = is_extended_connect(exchange.head()) ? Tunnel::kAsked : Tunnel::kNone;
  wanted_ = true;
  input_ended_ = end_stream;
  early_end_ = output_ended_ = false;
  if (!end_stream && tunnel_ == Tunnel::kNone) measure_body();
}

void StreamH2::on_body(std::string_view bytes, bool end) {
  body_bytes_ += bytes.size();
  if (end) input_ended();
  if (tunnel_ != Tunnel::kAsked) return deliver(bytes, end);
  early_ += bytes;
  early_end_ = early_end_ || end;
}

// The exchange may end, or say that it wants no more, inside.
void StreamH2::deliver(std::string_view bytes, bool end) {
  if (exchange_) exchange_->on_request_body(bytes, end);
  if (wanted_ || !exchange_) {
    session_.wire().consume(id_, bytes.size());
    session_.wake();
  } else {
    withheld_ += bytes.size();
  }
}

void StreamH2::release_early() {
  if (tunnel_ != Tunnel::kOpen || (early_.empty() && !early_end_)) return;
  const std::string early = std::move(early_);
  early_.clear();
  deliver(early, std::exchange(early_end_, false));
}

void StreamH2::on_trailers(http::Fields& fields) {
  input_ended();
  if (fields.empty()) return on_body({}, true);
  if (exchange_) exchange_->on_request_trailers(fields);
}

void StreamH2::on_reset(const http2::Reset& reset) {
  output_ended_ = true;
  if (!exchange_) return;
  if (reset.broken) return exchange_->on_client_error(reset.reason);
  exchange_->on_client_gone();
}

void StreamH2::on_connection_gone() {
  output_ended_ = true;
  if (exchange_) exchange_->on_client_gone();
}

bool StreamH2::settle() {
  release_early();
  if (!exchange_) return true;
  if (buffered_bytes() > kLowWaterBytes) return false;
  exchange_->on_client_writable();
  return true;
}

void StreamH2::send_interim(int status, const http::Fields& fields) {
  if (output_ended_) return;
  session_.wire().submit_interim(id_, status, fields);
  session_.wake();
}

void StreamH2::send_head(int status, const http::Fields& fields, ResponseBody body) {
  using Kind = ResponseBody::Kind;
  if (output_ended_) return;
  session_.wake();
  if (body.kind == Kind::kTunnel) {
    http::Fields& changed = session_.scratch_fields();
    append_tunnel_fields_for_h2(fields, changed);
    session_.wire().submit_response(id_, tunnel_status_for_h2(status), changed, false);
    tunnel_ = Tunnel::kOpen;
    session_.loop().disarm(body_timer_);
    return session_.expect_settle(*this);
  }
  output_ended_ = body.kind == Kind::kNone || (body.kind == Kind::kLength && body.length == 0);
  if (body.kind != Kind::kLength)
    return session_.wire().submit_response(id_, status, fields, output_ended_);
  http::Fields& changed = session_.scratch_fields();
  changed = fields;
  std::string digits;
  append_decimal(digits, body.length);
  changed.push_back({"content-length", digits, http::FieldId::kContentLength});
  session_.wire().submit_response(id_, status, changed, output_ended_);
}

void StreamH2::send_body(std::string_view bytes, bool end) {
  if (output_ended_) return;
  output_ended_ = end;
  send_body_in_pieces(session_.wire(), id_, bytes, end);
  session_.expect_settle(*this);
}

void StreamH2::send_trailers(const http::Fields& fields) {
  if (output_ended_) return;
  if (fields.empty()) return send_body({}, true);
  output_ended_ = true;
  session_.wire().submit_trailers(id_, fields);
  session_.wake();
}

void StreamH2::flush() { session_.wake(); }

std::size_t StreamH2::buffered_bytes() const { return session_.wire().buffered_bytes(id_); }

bool StreamH2::reads_on() {
  return buffered_bytes() > 0 && reading_.moves(session_.taken_bytes(id_));
}

void StreamH2::want_request_body(bool wanted) {
  wanted_ = wanted;
  if (!wanted) return session_.loop().disarm(body_timer_);
  if (!input_ended_ && tunnel_ == Tunnel::kNone) measure_body();
  if (withheld_ == 0) return;
  session_.wire().consume(id_, std::exchange(withheld_, 0));
  session_.wake();
}

void StreamH2::abort() {
  if (output_ended_) return;
  output_ended_ = true;
  session_.wire().reset(id_, http2::ErrorCode::kInternalError);
  session_.wake();
}

void StreamH2::exchange_done() {
  exchange_ = nullptr;
  session_.loop().disarm(body_timer_);
  abort();  // nothing, when the response was completed
  session_.wire().consume(id_, std::exchange(withheld_, 0) + early_.size());
  early_.clear();
  session_.stream_done(*this, id_);
}

void StreamH2::input_ended() {
  input_ended_ = true;
  session_.loop().disarm(body_timer_);
}

// Starts the measure of the request body's rate anew.
void StreamH2::measure_body() {
  body_started_ = session_.loop().now();
  body_bytes_ = 0;
  session_.loop().arm(body_timer_, session_.settings().body_grace);
}

void StreamH2::on_body_timer() {
  if (!exchange_ || !wanted_ || input_ended_) return;
  // The client may be stopped by our connection window, which other streams hold.
  if (session_.is_window_held()) return measure_body();
  const std::uint64_t rate = session_.settings().body_bytes_per_second_min;
  const Duration spent = session_.loop().now() - body_started_;
  const auto due = rate * static_cast<std::uint64_t>(spent.count() / 1'000'000) / 1000;
  if (body_bytes_ >= due) return session_.loop().arm(body_timer_, session_.settings().body_grace);
  exchange_->on_client_body_too_slow();
}

}  // namespace headgate::proxy
