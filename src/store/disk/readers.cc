#include "store/disk/readers.h"

#include <algorithm>
#include <utility>

#include "io/thread.h"

namespace headgate::store::disk {

void Readers::start() {
  for (unsigned i = 0; i < state_.options.readers; ++i) threads_.emplace_back([this] { run(); });
}

void Readers::stop() {
  closing_.store(true);
  queue_.close();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

bool Readers::push(ReadRequest& request) {
  const std::size_t weight = std::min<std::uint64_t>(request.lookup.body_bytes, kSliceBytes);
  return queue_.push(request, weight, state_.options.reads_queued);
}

void Readers::run() {
  io::name_thread("cache-read");
  io::block_signals();
  while (auto request = queue_.pop()) {
    if (request->ticket.cancelled()) continue;
    ReadResult result =
        closing_.load() ? ReadResult{ReadOutcome::kClosed, {}, {}} : answer(*request);
    if (request->ticket.redeem()) request->done(std::move(result));
  }
}

ReadResult Readers::answer(const ReadRequest& request) {
  ReadResult result =
      request.object ? part_of(request.lookup, request.object) : find(request.lookup);
  if (result.outcome != ReadOutcome::kFailed) state_.reading.succeeded();
  if (result.outcome == ReadOutcome::kHit)
    state_.counters.add(Count::kReadBytes, result.body.view.size());
  if (request.object) return result;
  if (result.outcome == ReadOutcome::kHit) state_.counters.add(Count::kHits);
  if (result.outcome == ReadOutcome::kMiss) state_.counters.add(Count::kMisses);
  return result;
}

ReadResult Readers::find(const Lookup& lookup) {
  const std::uint64_t key = fingerprint(lookup.id);
  const auto location = state_.index.find(key);
  if (!location) return {};
  const auto segment = state_.segments.find(location->segment_id());
  if (!segment) return {};  // it is being reclaimed
  auto object = Object::read(segment, *location);
  if (!object) return fault(key, *location, object.error());
  return judge(lookup, std::move(*object));
}

ReadResult Readers::judge(const Lookup& lookup, std::shared_ptr<const Object> object) {
  const std::uint64_t key = fingerprint(lookup.id);
  if (object->id() != lookup.id || object->key() != lookup.key ||
      object->selector() != lookup.selector) {
    state_.counters.add(Count::kMismatches);
    return {};
  }
  const StampJudge& stamps = state_.options.stamps;
  if (object->expires_at() <= state_.options.wall_clock() ||
      (stamps.holds && !stamps.holds(stamps.context, object->stamps())))
    return miss(key, object->location(), Count::kStale);
  const Location location = object->location();
  ReadResult result = part_of(lookup, std::move(object));
  if (result.outcome == ReadOutcome::kHit) state_.index.hit(key, location);
  return result;
}

ReadResult Readers::part_of(const Lookup& lookup, std::shared_ptr<const Object> object) {
  const auto body = object->read_body(lookup.body_offset,
                                      std::min<std::uint64_t>(lookup.body_bytes, kSliceBytes));
  if (!body) return fault(fingerprint(object->id()), object->location(), body.error());
  return {ReadOutcome::kHit, std::move(object), *body};
}

ReadResult Readers::miss(std::uint64_t fingerprint, Location location, Count why) {
  state_.counters.add(why);
  state_.index.erase(fingerprint, location);
  return {};
}

ReadResult Readers::fault(std::uint64_t fingerprint, Location location, ReadFault fault) {
  if (fault == ReadFault::kDamaged) return miss(fingerprint, location, Count::kDamaged);
  state_.counters.add(Count::kReadErrors);
  state_.reading.failed(io::monotonic_now(), "the disk answers reads with errors");
  return {ReadOutcome::kFailed, {}, {}};
}

}  // namespace headgate::store::disk
