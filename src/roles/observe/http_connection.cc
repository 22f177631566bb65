#include "roles/observe/http_connection.h"

#include <fmt/format.h>

#include "base/ascii.h"
#include "roles/observe/http_server.h"
#include "roles/observe/limits.h"
#include "wire/http/date.h"
#include "wire/http1/head.h"
#include "wire/http1/writer.h"
#include "wire/ip/address.h"

namespace headgate::observe {

using wire::http::FieldId;
using wire::http::Framing;
using wire::http::Method;
using State = io::Transfer::State;

HttpConnection::HttpConnection(HttpServer& server, io::Stream stream)
    : server_(server),
      stream_(std::move(stream)),
      established_(!stream_.is_tls()),
      idle_since_(server.loop_.now()) {
  server_.loop_.arm(deadline_, kRequestTimeout);
}

HttpConnection::~HttpConnection() {
  if (reply_to_) *reply_to_ = nullptr;
  if (stream_.valid()) server_.loop_.remove(stream_.fd());
}

Status HttpConnection::start() { return server_.loop_.add(stream_.fd(), io::Loop::kBoth, *this); }

void HttpConnection::on_io(std::uint32_t) {
  Step next = Step::kAgain;
  while (next == Step::kAgain) next = step();
  if (next == Step::kClose) server_.remove(*this);
}

void HttpConnection::on_deadline() { server_.remove(*this); }

HttpConnection::Step HttpConnection::step() {
  if (!established_) return handshake();
  if (!out_.empty()) return flush();
  if (waits_for_reply_) return Step::kWait;
  if (!keep_alive_) {
    stream_.shutdown();
    return Step::kClose;
  }
  const Step taken = take_request();
  return taken == Step::kWait ? read() : taken;
}

HttpConnection::Step HttpConnection::handshake() {
  const State state = stream_.handshake();
  if (state == State::kWouldBlock) return Step::kWait;
  established_ = state == State::kDone;
  return established_ ? Step::kAgain : Step::kClose;
}

HttpConnection::Step HttpConnection::flush() {
  const std::size_t before = out_.size();
  if (!out_.flush(stream_)) return Step::kClose;
  if (!out_.empty()) {
    if (out_.size() < before) server_.loop_.arm(deadline_, kStallTimeout);
    return Step::kWait;
  }
  out_.shrink();
  idle_since_ = server_.loop_.now();
  server_.loop_.arm(deadline_, in_.empty() ? kIdleTimeout : kRequestTimeout);
  return Step::kAgain;
}

HttpConnection::Step HttpConnection::read() {
  char bytes[4096];
  const io::Transfer transfer = stream_.read(bytes, sizeof bytes);
  if (transfer.state == State::kWouldBlock) return Step::kWait;
  if (transfer.state != State::kDone || transfer.bytes == 0) return Step::kClose;
  if (in_.empty()) server_.loop_.arm(deadline_, kRequestTimeout);
  in_.append(bytes, transfer.bytes);
  return Step::kAgain;
}

// kWait: the request is not whole yet.
HttpConnection::Step HttpConnection::take_request() {
  if (in_.empty()) return Step::kWait;
  const auto end = wire::http1::find_head_end(in_, scanned_, kHeadLimits);
  if (!end) {
    refuse(end.error().status, end.error().reason);
    return Step::kAgain;
  }
  if (!*end) return Step::kWait;
  scanned_ = 0;
  const auto parsed =
      wire::http1::parse_request_head(std::string_view(in_).substr(0, **end), kHeadLimits, head_);
  if (!parsed) {
    refuse(parsed.error().status, parsed.error().reason);
    return Step::kAgain;
  }
  const std::string_view path = head_.target.substr(0, head_.target.find('?'));
  const bool is_post = head_.method == Method::kPost && server_.site_.takes_post(path);
  if (refuse_content(is_post) || (is_post && refuse_cross_site())) return Step::kAgain;
  const std::size_t content =
      head_.framing.kind == Framing::Kind::kLength ? head_.framing.length : 0;
  if (in_.size() - **end < content) return Step::kWait;
  answer(std::string_view(in_).substr(**end, content));
  in_.erase(0, **end + content);
  server_.loop_.arm(deadline_, waits_for_reply_ ? kReplyTimeout : kStallTimeout);
  return Step::kAgain;
}

bool HttpConnection::refuse_content(bool is_post) {
  const Framing& framing = head_.framing;
  const bool is_short = framing.kind == Framing::Kind::kLength && framing.length <= kBodyBytesMax;
  const bool has_none = framing.kind == Framing::Kind::kNone || (is_short && framing.length == 0);
  if (has_none || (is_post && is_short)) return false;
  refuse(413, is_post ? fmt::format("a Content-Length of at most {} is accepted", kBodyBytesMax)
                      : "no content is accepted here");
  return true;
}

// A browser asks first before it sends this type for the page of somebody else, and that is
// refused; a name in Host may be one that somebody else made point here.
bool HttpConnection::refuse_cross_site() {
  const wire::http::Field* type = wire::http::find(head_.fields, FieldId::kContentType);
  const std::string_view media =
      type ? type->value.substr(0, type->value.find_first_of("; \t")) : "";
  if (!equals_ignore_case(media, "application/json")) {
    refuse(415, "Content-Type: application/json is expected");
    return true;
  }
  if (wire::ip::parse_ip(head_.host) || equals_ignore_case(head_.host, "localhost")) return false;
  refuse(403, "Host: an IP address or localhost is expected, not a name");
  return true;
}

void HttpConnection::answer(std::string_view body) {
  keep_alive_ = keep_alive_ && head_.keep_alive && !expects_last_;
  Request request{.path = head_.target, .query = {}, .rest = {}, .authorization = {}, .body = body};
  if (const std::size_t mark = head_.target.find('?'); mark != std::string_view::npos) {
    request.path = head_.target.substr(0, mark);
    request.query = head_.target.substr(mark + 1);
  }
  const wire::http::Field* credentials = wire::http::find(head_.fields, FieldId::kAuthorization);
  if (credentials) request.authorization = credentials->value;
  if (head_.method == Method::kPost && server_.site_.takes_post(request.path)) {
    reply_to_ = std::make_shared<Reply::Asker*>(this);
    waits_for_reply_ = is_answering_ = true;
    server_.site_.post(request, Reply(reply_to_));
    is_answering_ = false;
    return;
  }
  if (head_.method != Method::kGet && head_.method != Method::kHead) {
    return write({.status = 405, .body = "GET and HEAD alone\n", .allow = "GET, HEAD"}, true);
  }
  write(server_.site_.get(request), head_.method == Method::kGet);
}

void HttpConnection::finish(const Answer& answer) {
  waits_for_reply_ = false;
  write(answer, true);
  if (is_answering_) return;
  server_.loop_.arm(deadline_, kStallTimeout);
  on_io(0);
}

void HttpConnection::expect_last_request() {
  expects_last_ = true;
  if (idle()) server_.loop_.arm(deadline_, kLastRequestTimeout);
}

void HttpConnection::refuse(int status, std::string_view reason) {
  keep_alive_ = false;
  write({.status = status, .body = std::string(reason) + "\n"}, true);
}

void HttpConnection::write(const Answer& answer, bool with_body) {
  std::string& out = out_.text();
  wire::http1::append_status_line(out, answer.status, {});
  std::string date;
  wire::http::append_date(date, server_.loop_.wall());
  wire::http1::append_field(out, "Date", date);
  wire::http1::append_field(out, "Content-Type", answer.content_type);
  wire::http1::append_field(out, "Content-Length", std::to_string(answer.body.size()));
  wire::http1::append_field(out, "Cache-Control", "no-store");
  wire::http1::append_field(out, "X-Content-Type-Options", "nosniff");
  if (!answer.allow.empty()) wire::http1::append_field(out, "Allow", answer.allow);
  if (!answer.authenticate.empty())
    wire::http1::append_field(out, "WWW-Authenticate", answer.authenticate);
  if (!keep_alive_) wire::http1::append_field(out, "Connection", "close");
  out += wire::http1::kCrlf;
  if (with_body) out += answer.body;
}

}  // namespace headgate::observe
