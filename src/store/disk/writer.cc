#include "store/disk/writer.h"

#include <utility>

#include "io/thread.h"

namespace headgate::store::disk {

RecordContent WriteRequest::content() const {
  RecordContent content;
  content.kind =
      kind == Kind::kStore || kind == Kind::kReadmit ? RecordKind::kObject : RecordKind::kRemoval;
  content.id = id;
  content.expires_at = expires_at;
  content.stamps = stamps;
  content.metadata = metadata;
  content.key = key;
  content.selector = selector;
  content.head = head;
  content.body = body;
  return content;
}

Writer::Writer(State& state, std::uint64_t next_segment, io::Callback<> after_each)
    : state_(state), log_(state, next_segment), after_each_(std::move(after_each)) {}

void Writer::start() {
  thread_ = std::thread([this] { run(); });
}

void Writer::stop() {
  queue_.close();
  if (thread_.joinable()) thread_.join();
}

bool Writer::push(WriteRequest& request, const QueueLimits& limits) {
  const RecordContent content = request.content();
  const std::size_t weight = content.body_bytes() + content.head.size() + content.key.size() +
                             content.selector.size() + kRecordHeadBytes;
  return queue_.push(request, weight, limits);
}

void Writer::run() {
  io::name_thread("cache-write");
  io::block_signals();
  while (auto request = queue_.pop()) {
    handle(*request);
    after_each_();
  }
}

void Writer::handle(WriteRequest& request) {
  if (request.ticket.cancelled()) return;
  const WriteOutcome outcome = write(request);
  if (request.done && request.ticket.redeem()) request.done(outcome);
}

WriteOutcome Writer::write(const WriteRequest& request) {
  using Kind = WriteRequest::Kind;
  if (request.kind == Kind::kProbe) {
    const auto probed = log_.probe();
    if (probed) {
      state_.writing.succeeded();
    } else {
      state_.write_failed(probed.error());
    }
    return probed ? WriteOutcome::kDone : WriteOutcome::kFailed;
  }
  if (!state_.writing.well()) return WriteOutcome::kFailed;
  if (request.kind == Kind::kReadmit) {
    const auto there = state_.index.find(fingerprint(request.id));
    if (!there || !same_record(*there, request.from)) return WriteOutcome::kSkipped;
  }
  const auto location = log_.append(request.content());
  if (!location) {
    state_.write_failed(location.error());
    return WriteOutcome::kFailed;
  }
  apply(request, *location);
  return WriteOutcome::kDone;
}

void Writer::apply(const WriteRequest& request, Location location) {
  const std::uint64_t key = fingerprint(request.id);
  switch (request.kind) {
    case WriteRequest::Kind::kStore:
      state_.index.put(key, location);
      state_.counters.add(Count::kStored);
      state_.counters.add(Count::kStoredBytes, location.units() * kUnitBytes);
      break;
    case WriteRequest::Kind::kReadmit:
      if (state_.index.move(key, request.from, location)) state_.counters.add(Count::kReadmitted);
      break;
    case WriteRequest::Kind::kRemove:
      state_.index.erase(key);
      state_.counters.add(Count::kRemoved);
      break;
    case WriteRequest::Kind::kProbe: break;
  }
  const auto newest = state_.segments.newest();
  const Place applied{newest->number(), static_cast<std::uint32_t>(newest->end() / kUnitBytes)};
  state_.applied.store(applied.sequence(), std::memory_order_release);
}

}  // namespace headgate::store::disk
