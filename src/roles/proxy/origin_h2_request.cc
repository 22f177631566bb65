#include "roles/proxy/origin_h2_request.h"

#include <string>
#include <utility>

#include "base/ascii.h"
#include "roles/proxy/h2_output.h"
#include "roles/proxy/origin_h2.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace http2 = wire::http2;

void OriginH2Request::attach(OriginReceiver& receiver, bool reused) {
  receiver_ = &receiver;
  connect_.reset();
  id_ = 0;
  withheld_ = 0;
  unsendable_ = nullptr;
  reused_ = reused;
  wanted_ = true;
  waits_for_settings_ = input_ended_ = output_ended_ = tunnel_ = false;
}

void OriginH2Request::send_head(const http::RequestHead& head, bool end) {
  if (!head.protocol.empty()) {
    connect_ = std::make_unique<ConnectRequest>(head);
    waits_for_settings_ = !connection_.settings_seen();
    return waits_for_settings_ ? connection_.wake() : submit(connect_->head(), false);
  }
  if (head.framing.kind != http::Framing::Kind::kLength) return submit(head, end);
  http::RequestHead& changed = connection_.scratch_head();
  changed = head;
  std::string digits;
  append_decimal(digits, head.framing.length);
  changed.fields.push_back({"content-length", digits, http::FieldId::kContentLength});
  submit(changed, end);
}

void OriginH2Request::submit(const http::RequestHead& head, bool end) {
  connection_.wake();
  const auto id = connection_.wire().submit_request(head, end);
  if (id) {
    id_ = *id;
    output_ended_ = end;
    connection_.bind(*this);
    return connection_.sent_or_dropped();
  }
  const bool unsupported = id.error().code == Code::kInvalid;
  unsendable_ = unsupported ? "the origin takes no extended CONNECT (RFC 8441)"
                            : "the origin's connection took no more requests";
  unsendable_kind_ = unsupported ? OriginFailure::Kind::kProtocol : OriginFailure::Kind::kRefused;
}

void OriginH2Request::on_settings() {
  if (!std::exchange(waits_for_settings_, false)) return;
  submit(connect_->head(), false);
}

void OriginH2Request::fail_if_unsendable() {
  if (attached() && unsendable_) fail(unsendable_kind_, unsendable_);
}

void OriginH2Request::send_body(std::string_view bytes, bool end) {
  if (id_ == 0 || output_ended_) return;
  output_ended_ = end;
  send_body_in_pieces(connection_.wire(), id_, bytes, end);
  connection_.expect_settle(*this);
}

void OriginH2Request::send_trailers(const http::Fields& fields) {
  if (fields.empty()) return send_body({}, true);
  if (id_ == 0 || output_ended_) return;
  output_ended_ = true;
  connection_.wire().submit_trailers(id_, fields);
  connection_.wake();
}

void OriginH2Request::flush() { connection_.wake(); }

std::size_t OriginH2Request::buffered_bytes() const {
  return connection_.wire().buffered_bytes(id_);
}

bool OriginH2Request::settle() {
  if (!attached()) return true;
  if (buffered_bytes() > kLowWaterBytes) return false;
  receiver_->on_origin_writable();
  return true;
}

void OriginH2Request::tell_idle() {
  if (attached()) receiver_->on_origin_idle();
}

void OriginH2Request::on_response(http::ResponseHead& head, bool end) {
  if (!attached()) return;
  connection_.touched(*this);
  if (http::is_interim(head.status)) return receiver_->on_interim(head.status, head.fields);
  input_ended_ = end;
  if (connect_ && head.status / 100 == 2) {
    tunnel_ = true;
    connect_->translate(head);
    receiver_->on_response_head(head, false);
    if (end && attached()) receiver_->on_response_body({}, true);
    return;
  }
  (end ? detach() : receiver_)->on_response_head(head, end);
}

void OriginH2Request::on_body(std::string_view bytes, bool end) {
  if (!attached()) return connection_.wire().consume(id_, bytes.size());
  input_ended_ = end;
  if (end && !tunnel_) {
    connection_.wire().consume(id_, bytes.size());
    return detach()->on_response_body(bytes, true);
  }
  connection_.touched(*this);
  receiver_->on_response_body(bytes, end);  // may cancel, or say that it wants no more
  if (wanted_ || !attached())
    credit(bytes.size());
  else
    withheld_ += bytes.size();
}

void OriginH2Request::on_trailers(const http::Fields& fields) {
  if (!attached()) return;
  input_ended_ = true;
  detach()->on_response_trailers(fields);
}

void OriginH2Request::credit(std::size_t bytes) {
  if (bytes == 0) return;
  connection_.wire().consume(id_, bytes);
  connection_.wake();
}

void OriginH2Request::want_response_body(bool wanted) {
  wanted_ = wanted;
  if (wanted) credit(std::exchange(withheld_, 0));
}

void OriginH2Request::fail(OriginFailure::Kind kind, std::string_view detail) {
  if (!attached()) return;
  const bool written = id_ != 0;
  detach()->on_origin_failed({kind, reused_, written, detail});
}

void OriginH2Request::cancel() {
  if (attached()) detach();
}

// The request is over, its receiver hears nothing more from here. A stream with an open direction
// is cancelled; one that both ended still sends what its buffer holds.
OriginReceiver* OriginH2Request::detach() {
  if (id_ == 0) connection_.sent_or_dropped();
  if (id_ != 0 && !(input_ended_ && output_ended_)) {
    connection_.wire().reset(id_, http2::ErrorCode::kCancel);
  }
  credit(std::exchange(withheld_, 0));
  OriginReceiver* receiver = std::exchange(receiver_, nullptr);
  connection_.request_done(*this);
  return receiver;
}

}  // namespace headgate::proxy
