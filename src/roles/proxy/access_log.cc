#include "roles/proxy/access_log.h"

#include <array>
#include <cerrno>
#include <ctime>

#include "base/ascii.h"
#include "io/file_append.h"
#include "roles/proxy/exchange.h"

namespace headgate::proxy {

namespace {

constexpr std::size_t kFlushBytes = 64 * 1024;
constexpr Duration kFlushAfter = 250ms;

// JSON text (RFC 8259 §7); bytes that are not ASCII are written as \u00XX, so that a line is always valid.
void append_json(std::string& out, std::string_view text) {
  out += '"';
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte >= 0x7f) {
      out += "\\u00";
      append_hex(out, byte, 2);
    } else {
      out += c;
    }
  }
  out += '"';
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  if (value.empty()) return;
  out += ",\"";
  out += name;
  out += "\":";
  append_json(out, value);
}

void append_number(std::string& out, std::string_view name, std::uint64_t value) {
  out += ",\"";
  out += name;
  out += "\":";
  append_decimal(out, value);
}

void append_time(std::string& out, WallTime t) {
  const std::time_t seconds = t.seconds();
  std::tm utc;
  gmtime_r(&seconds, &utc);
  char text[40];
  const std::size_t n = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
  out.append(text, n);
  out += '.';
  const auto ms = static_cast<std::uint64_t>(t.ns / 1'000'000 % 1000);
  out += static_cast<char>('0' + ms / 100);
  out += static_cast<char>('0' + ms / 10 % 10);
  out += static_cast<char>('0' + ms % 10);
  out += 'Z';
}

std::uint64_t microseconds(Duration d) { return static_cast<std::uint64_t>(std::max<std::int64_t>(d.count() / 1000, 0)); }

}  // namespace

Result<std::unique_ptr<LogWriter>> LogWriter::open(const std::string& path) {
  auto fd = io::open_for_append(path);
  if (!fd) return std::unexpected(fd.error());
  return std::unique_ptr<LogWriter>(new LogWriter(path, std::move(*fd)));
}

LogWriter::LogWriter(std::string path, io::Fd fd) : path_(std::move(path)), fd_(std::move(fd)), thread_([this] { run(); }) {}

LogWriter::~LogWriter() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  ready_.notify_one();
  thread_.join();
}

bool LogWriter::write(std::string lines) {
  {
    const std::lock_guard lock(mutex_);
    if (pending_.size() + lines.size() > kPendingBytesMax) return false;
    if (pending_.empty()) pending_.swap(lines);
    else pending_ += lines;
  }
  ready_.notify_one();
  return true;
}

void LogWriter::reopen() {
  {
    const std::lock_guard lock(mutex_);
    reopen_ = true;
  }
  ready_.notify_one();
}

void LogWriter::run() {
  std::unique_lock lock(mutex_);
  while (true) {
    ready_.wait(lock, [this] { return stopping_ || reopen_ || !pending_.empty(); });
    std::string lines;
    lines.swap(pending_);
    const bool reopen = std::exchange(reopen_, false);
    const bool last = stopping_;
    lock.unlock();
    if (reopen) {
      if (auto fd = io::open_for_append(path_)) fd_ = std::move(*fd);
    }
    io::write_all(fd_, lines);
    lock.lock();
    if (last && pending_.empty()) return;
  }
}

AccessLog::AccessLog(WorkerContext& worker, LogWriter& writer) : worker_(worker), writer_(writer) {}

void AccessLog::record(const Exchange& exchange, RuleStats* rule) {
  const Outcome& outcome = exchange.outcome();
  if (rule) {
    rule->responses[static_cast<std::size_t>(outcome.status / 100)].add();
    rule->latency_us.record(microseconds(worker_.loop.now() - exchange.started()));
    rule->request_bytes.add(exchange.request_bytes());
    rule->response_bytes.add(exchange.response_bytes());
    if (outcome.reason) rule->failures[static_cast<std::size_t>(outcome.fault)].add();
    if (const auto result = exchange.cache_result()) rule->cache[static_cast<std::size_t>(*result)].add();
  }
  if (!wanted(exchange.traffic().access_log, outcome.reason != nullptr)) return;
  append_line(exchange);
  line_done();
}

void AccessLog::record_forward(const ForwardRecord& record, const model::AccessLogPolicy* policy, RuleStats* rule) {
  if (rule) {
    rule->responses[0].add();
    if (record.reason) rule->failures[static_cast<std::size_t>(record.fault)].add();
  }
  if (policy && !wanted(*policy, record.reason != nullptr)) return;
  append_line(record);
  line_done();
}

bool AccessLog::wanted(const model::AccessLogPolicy& policy, bool failed) {
  if (!policy.enabled) return false;
  return failed || policy.sample >= 1.0 || worker_.prng.unit() < policy.sample;
}

void AccessLog::line_done() {
  if (lines_.size() >= kFlushBytes) return flush();
  if (!timer_.armed()) worker_.loop.arm(timer_, kFlushAfter);
}

void AccessLog::append_line(const Exchange& exchange) {
  const Outcome& outcome = exchange.outcome();
  const wire::http::RequestHead& head = exchange.head();
  const ConnectionFacts& facts = exchange.facts();
  std::string& out = lines_;
  out += "{\"time\":\"";
  append_time(out, worker_.loop.wall());
  out += "\",\"client\":";
  append_json(out, exchange.client_text());
  append_field(out, "method", head.method_text);
  append_field(out, "scheme", head.scheme);
  append_field(out, "host", head.authority);
  // Query values are not logged: they may hold what nobody may keep.
  append_field(out, "path", exchange.path().path.empty() ? head.target.substr(0, head.target.find('?')) : exchange.path().path);
  append_field(out, "protocol", wire::http::to_string(head.version));
  append_number(out, "status", static_cast<std::uint64_t>(outcome.status));
  append_number(out, "duration_us", microseconds(worker_.loop.now() - exchange.started()));
  if (exchange.first_byte().ns != 0) {
    append_number(out, "first_byte_us", microseconds(exchange.first_byte() - exchange.started()));
  }
  append_number(out, "request_bytes", exchange.request_bytes());
  append_number(out, "response_bytes", exchange.response_bytes());
  if (exchange.rule()) {
    append_field(out, "route", exchange.rule()->route);
    append_field(out, "rule", exchange.rule()->name);
  }
  append_field(out, "upstream", exchange.upstream_name());
  append_field(out, "endpoint", exchange.endpoint_name());
  if (exchange.attempts_made() > 1) append_number(out, "attempts", exchange.attempts_made());
  append_field(out, "cache", exchange.cache_status());
  append_field(out, "trace_id", exchange.trace_id());
  append_field(out, "tls", facts.tls_version);
  append_field(out, "client_certificate", facts.client_subject);
  if (outcome.reason) {
    append_field(out, "reason", outcome.reason);
    append_field(out, "fault", to_string(outcome.fault));
    append_field(out, "detail", outcome.detail);
  }
  for (const std::string& name : exchange.traffic().access_log.request_headers) {
    if (const wire::http::Field* field = wire::http::find(head.fields, name)) append_field(out, "header_" + name, field->value);
  }
  out += "}\n";
}

void AccessLog::append_line(const ForwardRecord& record) {
  std::string& out = lines_;
  out += "{\"time\":\"";
  append_time(out, worker_.loop.wall());
  out += "\",\"client\":";
  append_json(out, record.client);
  append_field(out, "protocol", record.protocol);
  append_field(out, "server_name", record.server_name);
  append_number(out, "duration_us", microseconds(worker_.loop.now() - record.started));
  append_number(out, "request_bytes", record.received_bytes);
  append_number(out, "response_bytes", record.sent_bytes);
  append_field(out, "route", record.route);
  append_field(out, "upstream", record.upstream);
  append_field(out, "endpoint", record.endpoint);
  if (record.connect_attempts > 1) append_number(out, "attempts", record.connect_attempts);
  append_field(out, "tls", record.tls_version);
  append_field(out, "client_certificate", record.client_certificate);
  if (record.reason) {
    append_field(out, "reason", record.reason);
    append_field(out, "fault", to_string(record.fault));
    append_field(out, "detail", record.detail);
  }
  out += "}\n";
}

void AccessLog::flush() {
  if (lines_.empty()) return;
  if (!writer_.write(std::move(lines_))) worker_.stats.access_log_lost.add();
  lines_.clear();
  lines_.reserve(kFlushBytes + 4096);
}

}  // namespace headgate::proxy
