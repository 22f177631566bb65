#include "store/disk/keeper.h"

#include <algorithm>
#include <utility>

#include "io/thread.h"
#include "store/disk/checkpoint.h"

namespace headgate::store::disk {

namespace {
constexpr Duration kTurn = 200ms;     // at most between two looks at what is due
constexpr Duration kQueueFull = 5ms;  // until a full queue is tried again
constexpr std::uint64_t kSegmentsBetweenCheckpoints = 4;
}  // namespace

void Keeper::start(bool has_checkpoint) {
  const Instant now = io::monotonic_now();
  sync_at_ = now + state_.options.sync_interval;
  checkpoint_at_ = now + state_.options.checkpoint_interval;
  checkpoint_covers_ = has_checkpoint ? state_.applied.load() : 0;
  thread_ = std::thread([this] { run(); });
}

void Keeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
}

bool Keeper::stopping() {
  const std::lock_guard lock(mutex_);
  return stopping_;
}

void Keeper::written() {
  if (!rescue_is_due()) return;
  {
    const std::lock_guard lock(mutex_);
    woken_ = true;
  }
  wake_.notify_all();
}

void Keeper::run() {
  io::name_thread("cache-keep");
  io::block_signals();
  const Duration pause =
      std::min({kTurn, state_.options.sync_interval, state_.options.checkpoint_interval,
                state_.options.probe_pauses.first});
  while (true) {
    {
      std::unique_lock lock(mutex_);
      wake_.wait_for(lock, pause, [&] { return stopping_ || woken_; });
      if (stopping_) return;
      woken_ = false;
    }
    turn();
  }
}

void Keeper::turn() {
  const Instant now = io::monotonic_now();
  probe_when_due(now);
  if (now >= sync_at_) {
    sync();
    sync_at_ = now + state_.options.sync_interval;
  }
  const std::uint64_t applied = state_.applied.load(std::memory_order_acquire);
  const bool far =
      !checkpoint_failed_ &&
      applied >> kPlaceBits >= (checkpoint_covers_ >> kPlaceBits) + kSegmentsBetweenCheckpoints;
  if (far || now >= checkpoint_at_) {
    if (applied != checkpoint_covers_) checkpoint();
    checkpoint_at_ = now + state_.options.checkpoint_interval;
  }
  if (rescue_is_due()) rescue(*state_.segments.oldest());
}

void Keeper::probe_when_due(Instant now) {
  if (!state_.writing.may_probe(now)) return;
  WriteRequest probe;
  probe.kind = WriteRequest::Kind::kProbe;
  write_and_wait(std::move(probe));
}

void Keeper::sync() {
  for (const auto& segment : state_.segments.all())
    if (auto synced = segment->sync(); !synced) state_.write_failed(synced.error());
  if (!state_.names_unsynced.exchange(false)) return;
  if (auto synced = state_.files->sync_names(); !synced) {
    state_.names_unsynced.store(true);
    state_.write_failed(synced.error());
  }
}

// The place is taken first: what comes to the index afterwards is in the log behind it as well.
void Keeper::checkpoint() {
  const std::uint64_t applied = state_.applied.load(std::memory_order_acquire);
  const auto written =
      write_checkpoint(*state_.files, state_.directory_id, Place::of(applied), state_.index);
  state_.counters.add(written ? Count::kCheckpoints : Count::kCheckpointErrors);
  checkpoint_failed_ = !written;  // and is tried again when it is time, not at once
  if (written) checkpoint_covers_ = applied;
}

// While the newest segment is in its second half and the next one costs the oldest.
bool Keeper::rescue_is_due() const {
  const Options& options = state_.options;
  const auto newest = state_.segments.newest();
  if (!newest || newest->end() * 2 < options.segment_bytes) return false;
  if (state_.segments.bytes() + options.segment_bytes <= options.total_bytes) return false;
  const auto oldest = state_.segments.oldest();
  return oldest && oldest != newest && oldest->number() > rescued_.load(std::memory_order_relaxed);
}

// The most useful first, then the smallest, up to a quarter of a segment: the rest is as good as
// new.
void Keeper::rescue(const Segment& segment) {
  rescued_.store(segment.number(), std::memory_order_relaxed);
  const auto id = static_cast<std::uint16_t>(segment.number());
  auto entries = state_.index.hits_in_segment(id);
  std::ranges::sort(entries, [](const IndexEntry& a, const IndexEntry& b) {
    if (a.location.hits() != b.location.hits()) return a.location.hits() > b.location.hits();
    return a.location.units() < b.location.units();
  });
  std::uint64_t bytes_left = state_.options.segment_bytes / 4;
  for (const IndexEntry& entry : entries) {
    const std::uint64_t bytes = entry.location.units() * kUnitBytes;
    if (bytes > bytes_left) continue;
    const auto source = state_.segments.find(id);
    if (!source || source->number() != segment.number() || !readmit(source, entry)) return;
    bytes_left -= bytes;
  }
}

bool Keeper::wanted(const Object& object) const {
  const StampJudge& judge = state_.options.stamps;
  return object.expires_at() > state_.options.wall_clock() &&
         (!judge.holds || judge.holds(judge.context, object.stamps()));
}

// False when there is no point in going on.
bool Keeper::readmit(const std::shared_ptr<const Segment>& segment, const IndexEntry& entry) {
  const auto object = Object::read(segment, entry.location);
  if (!object) return object.error() == ReadFault::kDamaged;
  if (!wanted(**object)) return true;
  const auto body = (*object)->read_body(0, (*object)->body_bytes());
  if (!body) return body.error() == ReadFault::kDamaged;
  struct Owner {
    std::shared_ptr<const Object> object;
    Bytes body;
  };
  WriteRequest request;
  request.kind = WriteRequest::Kind::kReadmit;
  request.id = (*object)->id();
  request.expires_at = (*object)->expires_at();
  request.stamps = (*object)->stamps();
  request.metadata = (*object)->metadata();
  request.key = (*object)->key();
  request.selector = (*object)->selector();
  request.head = (*object)->head();
  request.body = {body->view};
  request.owner = std::make_shared<Owner>(*object, *body);
  request.from = entry.location;
  return write_and_wait(std::move(request));
}

// One at a time: what clients store goes before.
bool Keeper::write_and_wait(WriteRequest request) {
  std::optional<WriteOutcome> outcome;
  request.done = [&](WriteOutcome result) {
    const std::lock_guard lock(mutex_);
    outcome = result;
    wake_.notify_all();
  };
  while (!writer_.push(request, state_.options.writes_queued)) {
    std::unique_lock lock(mutex_);
    if (wake_.wait_for(lock, kQueueFull, [&] { return stopping_; })) return false;
  }
  std::unique_lock lock(mutex_);
  wake_.wait(lock, [&] { return outcome.has_value(); });
  return *outcome != WriteOutcome::kFailed;
}

}  // namespace headgate::store::disk
