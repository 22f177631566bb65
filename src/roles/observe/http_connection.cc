#include "roles/observe/http_connection.h"

#include "roles/observe/http_server.h"
#include "roles/observe/limits.h"
#include "wire/http/date.h"
#include "wire/http1/head.h"
#include "wire/http1/writer.h"

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

// kWait: the head is not whole yet.
HttpConnection::Step HttpConnection::take_request() {
  if (in_.empty()) return Step::kWait;
  const auto end = wire::http1::find_head_end(in_, scanned_, kHeadLimits);
  if (!end) {
    refuse(end.error().status, end.error().reason);
    return Step::kAgain;
  }
  if (!*end) return Step::kWait;
  answer(std::string_view(in_).substr(0, **end));
  in_.erase(0, **end);
  scanned_ = 0;
  server_.loop_.arm(deadline_, kStallTimeout);
  return Step::kAgain;
}

void HttpConnection::answer(std::string_view head) {
  const auto parsed = wire::http1::parse_request_head(head, kHeadLimits, head_);
  if (!parsed) return refuse(parsed.error().status, parsed.error().reason);
  keep_alive_ = keep_alive_ && head_.keep_alive;
  if (head_.framing.kind != Framing::Kind::kNone &&
      !(head_.framing.has_length && head_.framing.length == 0)) {
    return refuse(413, "no content is accepted here");
  }
  if (head_.method != Method::kGet && head_.method != Method::kHead) {
    return write({.status = 405, .body = "this port is read-only: GET and HEAD alone\n"}, true);
  }
  Request request{.path = head_.target, .query = {}, .rest = {}, .authorization = {}};
  if (const std::size_t mark = head_.target.find('?'); mark != std::string_view::npos) {
    request.path = head_.target.substr(0, mark);
    request.query = head_.target.substr(mark + 1);
  }
  const wire::http::Field* credentials = wire::http::find(head_.fields, FieldId::kAuthorization);
  if (credentials) request.authorization = credentials->value;
  write(server_.site_.get(request), head_.method == Method::kGet);
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
  if (answer.status == 405) wire::http1::append_field(out, "Allow", "GET, HEAD");
  if (!answer.authenticate.empty())
    wire::http1::append_field(out, "WWW-Authenticate", answer.authenticate);
  if (!keep_alive_) wire::http1::append_field(out, "Connection", "close");
  out += wire::http1::kCrlf;
  if (with_body) out += answer.body;
}

}  // namespace headgate::observe
