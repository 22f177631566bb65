#include "store/disk/store.h"

#include <utility>

#include "io/file.h"
#include "io/lock_file.h"

namespace headgate::store::disk {

Result<std::unique_ptr<Store>> Store::open(Options options) {
  if (auto checked = options.check(); !checked) return std::unexpected(std::move(checked.error()));
  if (auto made = io::ensure_directory(options.directory, 0700); !made)
    return std::unexpected(std::move(made.error()));
  auto lock = io::lock_file(options.directory + "/lock");
  if (!lock) return std::unexpected(std::move(lock.error()));
  auto files = files_of(options.directory);
  std::unique_ptr<Store> store(new Store(std::move(options), std::move(files), std::move(*lock)));
  if (auto started = store->start(); !started) return std::unexpected(std::move(started.error()));
  return store;
}

Result<std::unique_ptr<Store>> Store::open(Options options, std::unique_ptr<Files> files) {
  if (auto checked = options.check(); !checked) return std::unexpected(std::move(checked.error()));
  std::unique_ptr<Store> store(new Store(std::move(options), std::move(files), {}));
  if (auto started = store->start(); !started) return std::unexpected(std::move(started.error()));
  return store;
}

Store::Store(Options options, std::unique_ptr<Files> files, io::Fd lock)
    : lock_(std::move(lock)), state_(std::move(options), std::move(files)) {}

Status Store::start() {
  auto recovered = recover(state_);
  if (!recovered) return std::unexpected(std::move(recovered.error()));
  recovered_ = *recovered;
  writer_ =
      std::make_unique<Writer>(state_, recovered_.next_segment, [this] { keeper_->written(); });
  keeper_ = std::make_unique<Keeper>(state_, *writer_);
  readers_ = std::make_unique<Readers>(state_);
  writer_->start();
  keeper_->start(recovered_.from_checkpoint);
  readers_->start();
  return {};
}

// Readers first, since they change nothing; the keeper while the writer still answers it.
Store::~Store() {
  if (!writer_) return;  // it never started
  readers_->stop();
  keeper_->stop();
  writer_->stop();
  keeper_->sync();
  keeper_->checkpoint();
}

Admission Store::get(Lookup lookup, ReadDone done, Ticket ticket) {
  if (!state_.index.find(fingerprint(lookup.id))) {
    state_.counters.add(Count::kMisses);
    return Admission::kAbsent;
  }
  if (!state_.reading.well() && !state_.reading.may_probe(io::monotonic_now()))
    return Admission::kUnavailable;
  ReadRequest request{std::move(lookup), nullptr, std::move(ticket), std::move(done)};
  if (readers_->push(request)) return Admission::kAccepted;
  state_.counters.add(Count::kReadsBusy);
  return Admission::kBusy;
}

// A disk that fails is asked on: who reads has begun to answer.
Admission Store::read(std::shared_ptr<const Object> object, std::uint64_t offset,
                      std::uint64_t bytes, ReadDone done, Ticket ticket) {
  ReadRequest request{
      {object->id(), {}, {}, offset, bytes}, object, std::move(ticket), std::move(done)};
  if (readers_->push(request)) return Admission::kAccepted;
  state_.counters.add(Count::kReadsBusy);
  return Admission::kBusy;
}

Admission Store::put(NewObject object, WriteDone done, Ticket ticket) {
  WriteRequest request;
  request.id = object.id;
  request.expires_at = object.expires_at;
  request.stamps = std::move(object.stamps);
  request.metadata = object.metadata;
  request.key = object.key;
  request.selector = object.selector;
  request.head = object.head;
  request.body = std::move(object.body);
  request.owner = std::move(object.owner);
  request.ticket = std::move(ticket);
  request.done = std::move(done);
  const RecordContent content = request.content();
  const bool fits = content.within_limits() && (head_of(content, 0, 0).units() + 1) * kUnitBytes <=
                                                   state_.options.segment_bytes;
  if (!fits || state_.index.size() >= state_.options.objects_max) {
    state_.counters.add(Count::kRefused);
    return Admission::kRefused;
  }
  if (!state_.writing.well()) {
    state_.counters.add(Count::kPassedThrough);
    return Admission::kUnavailable;
  }
  if (writer_->push(request, state_.options.writes_queued)) return Admission::kAccepted;
  state_.counters.add(Count::kWritesBusy);
  return Admission::kBusy;
}

Admission Store::remove(const ObjectId& id, WriteDone done) {
  state_.index.erase(fingerprint(id));
  WriteRequest request;
  request.kind = WriteRequest::Kind::kRemove;
  request.id = id;
  request.done = std::move(done);
  if (!state_.writing.well()) {
    state_.counters.add(Count::kPassedThrough);
    return Admission::kUnavailable;
  }
  if (writer_->push(request, state_.options.removals_queued)) return Admission::kAccepted;
  state_.counters.add(Count::kWritesBusy);
  return Admission::kBusy;
}

Store::Figures Store::figures() const {
  return {state_.index.size(), state_.index.bytes(), state_.index.units() * kUnitBytes,
          state_.segments.count(), state_.segments.bytes()};
}

}  // namespace headgate::store::disk
