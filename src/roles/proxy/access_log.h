#pragma once
// The access log: one JSON object a line, formatted by the worker into its own buffer and written by one thread of the
// process, so that a slow disk never blocks a worker. When the writer cannot keep up, lines are dropped and counted.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>

#include "base/result.h"
#include "io/fd.h"
#include "io/loop.h"
#include "model/policy.h"
#include "roles/proxy/stats.h"

namespace headgate::proxy {

class Exchange;
struct WorkerContext;

// A connection or flow that was passed on without being understood, when it is over.
struct ForwardRecord {
  std::string_view client;             // address, without port
  std::string_view protocol;           // "tcp", "tls", "udp"
  std::string_view tls_version, client_certificate;
  std::string_view server_name;        // SNI; empty: none
  std::string_view route, upstream, endpoint;
  std::uint64_t received_bytes = 0, sent_bytes = 0;  // from the client, to the client
  std::uint32_t connect_attempts = 0;
  Instant started;
  const char* reason = nullptr;        // short stable word; null: both sides ended in good order
  Source fault = Source::kSelf;
  std::string_view detail;
};

// Takes buffers of whole lines from any thread.
class LogWriter {
 public:
  static constexpr std::size_t kPendingBytesMax = 8 << 20;
  // `path` "-": standard output.
  static Result<std::unique_ptr<LogWriter>> open(const std::string& path);
  ~LogWriter();
  // False: the queue is full and the lines are lost.
  bool write(std::string lines);
  // Opens the path anew, after rotation.
  void reopen();

 private:
  LogWriter(std::string path, io::Fd fd);
  void run();

  const std::string path_;
  io::Fd fd_;
  std::mutex mutex_;
  std::condition_variable ready_;
  std::string pending_;
  bool stopping_ = false, reopen_ = false;
  std::thread thread_;
};

// One worker's side.
class AccessLog {
 public:
  AccessLog(WorkerContext& worker, LogWriter& writer);
  // Counts the outcome, and writes the line that the route's policy asks for.
  void record(const Exchange& exchange, RuleStats* rule);
  // Null policy: the route, and with it what is logged, is not known; the line is written.
  void record_forward(const ForwardRecord& record, const model::AccessLogPolicy* policy, RuleStats* rule);
  void flush();

 private:
  void append_line(const Exchange& exchange);
  void append_line(const ForwardRecord& record);
  bool wanted(const model::AccessLogPolicy& policy, bool failed);
  void line_done();

  WorkerContext& worker_;
  LogWriter& writer_;
  std::string lines_;
  io::MemberTimer<&AccessLog::flush> timer_{this};
};

}  // namespace headgate::proxy
