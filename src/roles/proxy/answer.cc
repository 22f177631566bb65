// Answers that the edge makes itself: plain, configurable, and silent about what is behind it.
#include <algorithm>

#include "base/ascii.h"
#include "roles/proxy/exchange.h"
#include "wire/grpc/status.h"
#include "wire/grpc/trailers_only.h"
#include "wire/http1/writer.h"

namespace headgate::proxy {

namespace http = wire::http;
namespace http1 = wire::http1;
using http::FieldId;

namespace {

const model::ErrorPage* find_page(const model::TrafficPolicy& traffic, int status) {
  const model::ErrorPage* general = nullptr;
  for (const model::ErrorPage& page : traffic.error_pages) {
    if (page.status == status) return &page;
    if (page.status == 0) general = &page;
  }
  return general;
}

std::string fill_in(std::string text, std::string_view name, std::string_view value) {
  for (std::size_t at = text.find(name); at != std::string::npos; at = text.find(name, at + value.size())) {
    text.replace(at, name.size(), value);
  }
  return text;
}

}  // namespace

Exchange::Verdict Exchange::answer(int status, const char* reason, Source fault, std::string detail) {
  answer_error(status, reason, fault, std::move(detail));
  return Verdict::kAnswered;
}

void Exchange::answer_error(int status, const char* reason, Source fault, std::string detail) {
  outcome_.reason = reason;
  outcome_.fault = fault;
  outcome_.detail = std::move(detail);
  if (rule_ && rule_->grpc) return answer_grpc(status, http1::reason_phrase(status));
  if (!answer_extra_) response_fields_.clear();
  answer_extra_ = false;
  std::string body(http1::reason_phrase(status));
  std::string_view type = "text/plain; charset=utf-8";
  if (const model::ErrorPage* page = find_page(*traffic_, status)) {
    std::string digits;
    append_decimal(digits, static_cast<std::uint64_t>(status));
    type = page->content_type;
    if (request_id_.empty()) request_id_ = new_request_id();
    body = fill_in(fill_in(fill_in(page->body, "%STATUS%", digits), "%REASON%", body), "%REQUEST_ID%", request_id_);
  } else {
    body += '\n';
  }
  response_fields_.push_back({"content-type", type, FieldId::kContentType});
  add_cache_status();
  answer_with(status, response_fields_, body);
}

void Exchange::answer_with(int status, http::Fields& fields, std::string_view body) {
  outcome_.status = status;
  response_started_ = true;
  phase_ = Phase::kResponding;
  first_byte_ = worker_.loop.now();
  http::add(fields, {"date", date_now(), FieldId::kDate});
  const bool no_body = http::has_no_body(status) || head_.method == http::Method::kHead;
  if (no_body && head_.method == http::Method::kHead) {
    fields.push_back({"content-length", arena_.decimal(body.size()), FieldId::kContentLength});
  }
  downstream_->send_head(status, fields, no_body ? ResponseBody{} : ResponseBody{ResponseBody::Kind::kLength, body.size()});
  response_bytes_ += no_body ? 0 : body.size();
  if (!no_body) downstream_->send_body(body, true);
  else downstream_->flush();
  response_sent();
}

// For an error before the request was forwarded: the page and the log line still name the same thing.
std::string_view Exchange::new_request_id() {
  std::string text;
  append_hex(text, worker_.prng.next(), 16);
  append_hex(text, worker_.prng.next(), 16);
  trace_id_ = arena_.copy(text);
  return trace_id_;
}

// A gRPC client reads its status from the head of a response without a body (Trailers-Only).
void Exchange::answer_grpc(int status, std::string_view message) {
  const wire::grpc::TrailersOnly answer(wire::grpc::status_of_http(status), message);
  response_fields_.clear();
  for (const http::Field& field : answer.head().fields) {
    response_fields_.push_back({field.name, arena_.copy(field.value), field.id});
  }
  answer_with(200, response_fields_, {});
}

}  // namespace headgate::proxy
