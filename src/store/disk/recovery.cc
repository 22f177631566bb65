#include "store/disk/recovery.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>

#include "io/entropy.h"
#include "store/disk/checkpoint.h"
#include "store/disk/segment_scan.h"

namespace headgate::store::disk {

namespace {

constexpr std::size_t kFormatBytesMax = 4096;
constexpr std::string_view kFormatFirst = "headgate disk cache, format ";
constexpr std::string_view kFormatSecond = ", directory ";

std::string format_text(std::uint64_t directory_id) {
  return fmt::format("{}{}{}{:016x}\n", kFormatFirst, kFormatVersion, kFormatSecond, directory_id);
}

std::unexpected<Error> refused(const State& state, const std::string& why) {
  return fail(Code::kInvalid,
              fmt::format("disk cache {}: {}; empty the directory or name another one",
                          state.options.directory, why));
}

Result<std::uint64_t> read_format(const State& state, const std::string& text) {
  std::string_view rest = text;
  if (!rest.starts_with(kFormatFirst)) return refused(state, "its format file is not readable");
  rest.remove_prefix(kFormatFirst.size());
  const std::string_view version = rest.substr(0, rest.find(','));
  if (version != fmt::format("{}", kFormatVersion))
    return refused(state, fmt::format("it is of format {}, this program keeps format {}", version,
                                      kFormatVersion));
  rest.remove_prefix(version.size());
  std::uint64_t id = 0;
  if (rest.starts_with(kFormatSecond)) {
    rest.remove_prefix(kFormatSecond.size());
    std::from_chars(rest.data(), rest.data() + rest.size(), id, 16);
  }
  if (text != format_text(id)) return refused(state, "its format file is not readable");
  return id;
}

// Of a directory without one: it becomes ours unless there is something that could be.
Result<std::uint64_t> make_format(const State& state, const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (segment_number(name) || name == kCheckpointName)
      return refused(state, fmt::format("it has '{}' but no '{}' file", name, kFormatName));
  const std::uint64_t id = io::random_u64();
  if (auto written = replace_file(*state.files, kFormatName, format_text(id)); !written)
    return std::unexpected(std::move(written.error()));
  return id;
}

Result<std::uint64_t> directory_id(const State& state, const std::vector<std::string>& names) {
  const auto text = read_all(*state.files, kFormatName, kFormatBytesMax);
  if (text) return read_format(state, *text);
  if (text.error().code == Code::kNotFound) return make_format(state, names);
  if (text.error().code == Code::kExhausted)
    return refused(state, "its format file is not readable");
  return std::unexpected(text.error());
}

// A file that cannot be believed is removed, since it takes space that is counted; one that cannot
// be opened or read now is left as it is.
Status open_segment(State& state, std::uint64_t number) {
  auto segment = Segment::open(*state.files, state.directory_id, number);
  if (segment) {
    state.segments.add(std::move(*segment));
    return {};
  }
  if (segment.error().code == Code::kExhausted)  // of descriptors: more would follow
    return std::unexpected(std::move(segment.error()));
  state.counters.add(Count::kSegmentsLost);
  if (segment.error().code == Code::kInvalid) (void)state.files->remove(segment_name(number));
  return {};
}

void scan(State& state, const Segment& segment, std::uint32_t from, Recovered& recovered) {
  SegmentScan scan(segment, from);
  while (const auto record = scan.next()) {
    ++recovered.records_scanned;
    const std::uint64_t key = fingerprint(record->head.id);
    if (record->head.kind == RecordKind::kRemoval) {
      state.index.erase(key);
    } else if (state.index.size() < state.options.objects_max || state.index.find(key)) {
      state.index.put(key, record->location);
    }
  }
  state.counters.add(Count::kUnitsSkipped, scan.units_skipped());
  state.counters.add(Count::kReadErrors, scan.read_errors());
}

// The index may name segments that went since the checkpoint: nobody would ever find them.
void forget_lost_segments(State& state) {
  std::vector<bool> there(1 << kSegmentBits);
  for (const auto& segment : state.segments.all())
    there[segment->number() & ((1 << kSegmentBits) - 1)] = true;
  std::vector<bool> named(there.size());
  for (std::size_t table = 0; table < Index::kTables; ++table)
    for (const IndexEntry& entry : state.index.table_entries(table))
      named[entry.location.segment_id()] = true;
  for (std::size_t id = 0; id < there.size(); ++id)
    if (named[id] && !there[id]) state.index.erase_segment(static_cast<std::uint16_t>(id));
}

}  // namespace

Result<Recovered> recover(State& state) {
  const auto names = state.files->names();
  if (!names) return std::unexpected(names.error());
  const auto id = directory_id(state, *names);
  if (!id) return std::unexpected(id.error());
  state.directory_id = *id;
  Recovered recovered;
  for (const std::string& name : *names) {
    const auto number = segment_number(name);
    if (!number) continue;
    recovered.next_segment = std::max(recovered.next_segment, *number + 1);
    if (auto opened = open_segment(state, *number); !opened)
      return std::unexpected(std::move(opened.error()));
  }
  Place from;
  if (const auto covered = load_checkpoint(*state.files, state.directory_id, state.index)) {
    from = *covered;
    recovered.from_checkpoint = true;
    recovered.next_segment = std::max(recovered.next_segment, from.segment + 1);
    forget_lost_segments(state);
  }
  for (const auto& segment : state.segments.all()) {
    if (segment->number() < from.segment) continue;
    scan(state, *segment, segment->number() == from.segment ? from.unit : 0, recovered);
  }
  if (const auto newest = state.segments.newest())
    from = {newest->number(), static_cast<std::uint32_t>(newest->end() / kUnitBytes)};
  state.applied.store(from.sequence());
  return recovered;
}

}  // namespace headgate::store::disk
