// What the client is sent of an origin's response head.
#include "base/ascii.h"
#include "decide/route/cors.h"
#include "roles/proxy/exchange.h"
#include "wire/http/connection_options.h"
#include "wire/http/date.h"

namespace headgate::proxy {

namespace http = wire::http;
using http::FieldId;

void Exchange::build_response_fields(const http::ResponseHead& head, const model::Filters* backend_filters) {
  response_fields_.clear();
  bool dated = false;
  for (const http::Field& field : head.fields) {
    if (http::is_hop_by_hop(field.id) || field.id == FieldId::kContentLength) continue;
    if (head.names_in_connection && http::is_removed_by_connection(head.fields, field)) continue;
    dated = dated || field.id == FieldId::kDate;
    response_fields_.push_back(field);
  }
  if (!dated) http::add(response_fields_, {"date", date_now(), FieldId::kDate});  // RFC 9110 §6.6.1: when it came
  add_via(response_fields_, head.version);
  if (rule_->filters.cors) add_cors();
  if (rule_->affinity) add_affinity_cookie();
  if (backend_filters) apply_edits(response_fields_, backend_filters->response_headers);
  apply_edits(response_fields_, rule_->filters.response_headers);
}

std::string_view Exchange::date_now() {
  char* date = arena_.allocate(http::kDateBytes);
  http::write_date(worker_.loop.wall(), date);
  return {date, http::kDateBytes};
}

void Exchange::add_cors() {
  const auto fields = decide::route::response_fields(*rule_->filters.cors, head_.fields, response_fields_);
  std::erase_if(response_fields_, [](const http::Field& f) { return to_lower(f.name.substr(0, 15)) == "access-control-"; });
  for (const auto& field : fields) response_fields_.push_back({field.name, arena_.copy(field.value), http::field_id(field.name)});
}

// A coded response has no known length and another validator: a strong one becomes weak (RFC 9110 §8.8.1).
void Exchange::apply_coding(wire::content_coding::Coding coding, bool varies) {
  if (varies) http::add(response_fields_, {"vary", "accept-encoding", FieldId::kVary});
  if (coding == wire::content_coding::Coding::kIdentity) return;
  auto encoder = worker_.encoders.take(coding);
  if (!encoder) return;
  filter_ = std::make_unique<ResponseFilter>(worker_.encoders, std::move(encoder));
  http::add(response_fields_, {"content-encoding", wire::content_coding::to_string(coding), FieldId::kContentEncoding});
  for (http::Field& field : response_fields_) {
    if (field.id == FieldId::kEtag && field.value.starts_with('"')) field.value = arena_.concat({"W/", field.value});
  }
  std::erase_if(response_fields_, [](const http::Field& f) { return equals_ignore_case(f.name, "accept-ranges"); });
}

void Exchange::send_response_head(http::ResponseHead& head, bool end) {
  response_started_ = true;
  outcome_.status = head.status;
  build_response_fields(head, backend_ ? &backend_->filters : nullptr);
  add_cache_status();
  const bool connected = head_.version == http::Version::k2 && !head_.protocol.empty() && head.status / 100 == 2;
  if (head.status == 101 || (connected && !end)) {
    tunnel_ = true;
    phase_ = Phase::kTunnel;
    request_done_ = false;
    replayable_ = false;
    worker_.stats.tunnels.add();
    worker_.stats.tunnels_open.add(1);
    if (traffic_->timeouts.tunnel_max > Duration::zero()) worker_.loop.arm(total_timer_, traffic_->timeouts.tunnel_max);
    else worker_.loop.disarm(total_timer_);
    touch();
    downstream_->send_head(head.status, response_fields_, {ResponseBody::Kind::kTunnel, 0});
    return downstream_->flush();
  }
  ResponseBody body;
  if (head.framing.has_length && (head_.method == http::Method::kHead || head.status == 304)) {
    http::add(response_fields_, {"content-length", arena_.decimal(head.framing.length), FieldId::kContentLength});
  } else if (!end) {
    bool varies = false;
    const auto coding = choose_coding(traffic_->compression, head_, head, varies);
    apply_coding(coding, varies);
    const bool known = head.framing.has_length && !filter_;
    body = {known ? ResponseBody::Kind::kLength : ResponseBody::Kind::kStream, head.framing.length};
  } else if (!http::has_no_body(head.status) && head_.method != http::Method::kHead) {
    body = {ResponseBody::Kind::kLength, 0};
  }
  if (close_after_ && !request_done_) downstream_->want_request_body(false);
  downstream_->send_head(head.status, response_fields_, body);
  if (end) response_sent();
}

// Through the content coding, if there is one.
void Exchange::send_content(std::string_view bytes, bool end) {
  if (filter_) {
    filtered_.clear();
    if (!filter_->append(bytes, end, filtered_)) return truncate("compression_failed", Source::kSelf, "");
    bytes = filtered_;
  }
  if (!bytes.empty() || end) downstream_->send_body(bytes, end);
}

void Exchange::end_with_trailers(const http::Fields& fields) {
  if (filter_) {
    filtered_.clear();
    if (!filter_->append({}, true, filtered_)) return truncate("compression_failed", Source::kSelf, "");
    downstream_->send_body(filtered_, false);
  }
  downstream_->send_trailers(fields);
}

}  // namespace headgate::proxy
