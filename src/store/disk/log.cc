#include "store/disk/log.h"

#include <utility>
#include <vector>

#include "io/entropy.h"

namespace headgate::store::disk {

namespace {
constexpr unsigned kFailuresMax = 3;
// Location tells segments apart by that many numbers.
constexpr std::uint64_t kNumbersApartMax = (1 << kSegmentBits) - 1;
}  // namespace

Log::Log(State& state, std::uint64_t next_number)
    : state_(state), active_(state.segments.newest()), next_number_(next_number) {
  while (state_.segments.bytes() > state_.options.total_bytes) drop_oldest();
  remove_files();
}

Result<Location> Log::append(const RecordContent& content) {
  const std::uint32_t units = head_of(content, 0, 0).units();
  const bool fits = active_ && active_->end() + units * kUnitBytes <= state_.options.segment_bytes;
  if (!fits || failures_ >= kFailuresMax) {
    if (auto started = start_segment(); !started) return std::unexpected(started.error());
  }
  const Place place{active_->number(), static_cast<std::uint32_t>(active_->end() / kUnitBytes)};
  const std::string prefix = encode_prefix(content, active_->salt(), place.sequence());
  std::vector<std::string_view> pieces = {prefix};
  pieces.insert(pieces.end(), content.body.begin(), content.body.end());
  if (auto written = active_->append(pieces, prefix.size() + content.body_bytes()); !written) {
    ++failures_;
    return std::unexpected(std::move(written.error()));
  }
  failures_ = 0;
  return Location(place, units);
}

Status Log::probe() {
  RecordContent nothing;
  nothing.kind = RecordKind::kRemoval;
  if (auto appended = append(nothing); !appended) return std::unexpected(appended.error());
  return active_->sync();
}

void Log::make_room() {
  const Options& options = state_.options;
  const auto too_much = [&] {
    const auto oldest = state_.segments.oldest();
    return oldest && (state_.segments.bytes() + options.segment_bytes > options.total_bytes ||
                      next_number_ - oldest->number() >= kNumbersApartMax);
  };
  while (too_much()) drop_oldest();
  remove_files();
}

Status Log::start_segment() {
  active_.reset();
  failures_ = 0;
  make_room();
  auto segment = Segment::create(*state_.files, state_.directory_id, next_number_++,
                                 io::random_u64(), state_.options.segment_bytes);
  if (!segment) return std::unexpected(std::move(segment.error()));
  active_ = std::move(*segment);
  state_.segments.add(active_);
  state_.names_unsynced.store(true, std::memory_order_relaxed);
  return {};
}

// First nobody finds the segment, then nobody finds what lay in it, then its file goes.
void Log::drop_oldest() {
  const auto oldest = state_.segments.take_oldest();
  state_.index.erase_segment(static_cast<std::uint16_t>(oldest->number()));
  names_to_remove_.push_back(segment_name(oldest->number()));
  state_.counters.add(Count::kReclaimed);
}

// In their order, and again later from the first that cannot be removed now: an older segment
// without the newer ones would bring back what they removed and replaced.
void Log::remove_files() {
  while (!names_to_remove_.empty() && state_.files->remove(names_to_remove_.front()))
    names_to_remove_.pop_front();
}

}  // namespace headgate::store::disk
