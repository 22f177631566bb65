#include "roles/proxy/cache/purge_record.h"

#include <algorithm>
#include <optional>

#include "store/disk/checksum.h"
#include "store/disk/little_endian.h"

namespace headgate::proxy {
namespace {

using store::disk::crc32c;
using store::disk::get_number;
using store::disk::put_number;
using Kind = PurgeRecord::Kind;

constexpr std::size_t kHeadBytes = 8;  // length and checksum of what follows
constexpr std::uint32_t kSeed = 0x70757267;

template <typename T>
void append_number(std::string& out, T value) {
  char bytes[sizeof value];
  put_number(bytes, value);
  out.append(bytes, sizeof bytes);
}

class Cursor {
 public:
  explicit Cursor(std::string_view bytes) : rest_(bytes) {}
  template <typename T>
  T number() {
    T value{};
    if (const std::string_view bytes = take(sizeof(T)); is_good_)
      value = get_number<T>(bytes.data());
    return value;
  }
  std::string_view take(std::size_t bytes) {
    is_good_ = is_good_ && bytes <= rest_.size();
    if (!is_good_) return {};
    const std::string_view out = rest_.substr(0, bytes);
    rest_.remove_prefix(bytes);
    return out;
  }
  bool is_at_end() const { return is_good_ && rest_.empty(); }
  bool is_good() const { return is_good_; }

 private:
  std::string_view rest_;
  bool is_good_ = true;
};

std::optional<PurgeRecord> decode(std::string_view bytes) {
  Cursor in(bytes);
  PurgeRecord out;
  const auto kind = in.number<std::uint8_t>(), scope = in.number<std::uint8_t>(),
             flag = in.number<std::uint8_t>();
  out.number = in.number<std::uint64_t>();
  out.at.hard = in.number<std::uint64_t>();
  out.at.soft = in.number<std::uint64_t>();
  out.time.ns = in.number<std::int64_t>();
  out.until.ns = in.number<std::int64_t>();
  const auto labels = in.number<std::uint16_t>();
  for (std::size_t i = 0; i < labels && in.is_good(); ++i)
    out.labels.push_back(in.number<std::uint64_t>());
  out.name_space = in.take(in.number<std::uint16_t>());
  out.value = in.take(in.number<std::uint16_t>());
  const bool is_known = kind >= static_cast<int>(Kind::kBeginning) &&
                        kind <= static_cast<int>(Kind::kSoftTimes) &&
                        scope <= static_cast<int>(PurgeScope::kEverything) && flag <= 1;
  if (!in.is_at_end() || !is_known) return std::nullopt;
  out.kind = static_cast<Kind>(kind);
  out.scope = static_cast<PurgeScope>(scope);
  out.flag = flag == 1;
  return out;
}

// The record that begins there; `used`: its bytes.
std::optional<PurgeRecord> record_at(std::string_view bytes, std::size_t& used) {
  if (bytes.size() < kHeadBytes) return std::nullopt;
  const auto length = get_number<std::uint32_t>(bytes.data());
  if (length > kPurgeRecordMax || length > bytes.size() - kHeadBytes) return std::nullopt;
  const std::string_view content = bytes.substr(kHeadBytes, length);
  if (crc32c(content, kSeed + length) != get_number<std::uint32_t>(bytes.data() + 4))
    return std::nullopt;
  used = kHeadBytes + length;
  return decode(content);
}

bool is_zero(std::string_view bytes) {
  return bytes.find_first_not_of('\0') == std::string_view::npos;
}

// Whether a write that was cut short leaves such an end: less than the record says it has, or
// zeros that were to be overwritten. A sound record behind it was written later.
bool is_torn_end(std::string_view rest) {
  if (is_zero(rest) || rest.size() < kHeadBytes) return true;
  const auto length = get_number<std::uint32_t>(rest.data());
  if (length > kPurgeRecordMax || length <= rest.size() - kHeadBytes) return false;
  std::size_t used = 0;
  for (std::size_t at = 1; at < rest.size(); ++at)
    if (record_at(rest.substr(at), used)) return false;
  return true;
}

}  // namespace

void append_record(std::string& out, const PurgeRecord& record) {
  const std::size_t begin = out.size();
  out.append(kHeadBytes, '\0');
  append_number(out, static_cast<std::uint8_t>(record.kind));
  append_number(out, static_cast<std::uint8_t>(record.scope));
  append_number(out, static_cast<std::uint8_t>(record.flag));
  append_number(out, record.number);
  append_number(out, record.at.hard);
  append_number(out, record.at.soft);
  append_number(out, record.time.ns);
  append_number(out, record.until.ns);
  append_number(out, static_cast<std::uint16_t>(record.labels.size()));
  for (const std::uint64_t label : record.labels) append_number(out, label);
  for (const std::string* text : {&record.name_space, &record.value}) {
    append_number(out, static_cast<std::uint16_t>(text->size()));
    out += *text;
  }
  const auto length = static_cast<std::uint32_t>(out.size() - begin - kHeadBytes);
  const std::string_view content = std::string_view(out).substr(begin + kHeadBytes);
  put_number(out.data() + begin, length);
  put_number(out.data() + begin + 4, crc32c(content, kSeed + length));
}

PurgeJournalContent read_journal(std::string_view bytes) {
  PurgeJournalContent out;
  out.is_whole = bytes.starts_with(kPurgeJournalName);
  if (!out.is_whole) return out;
  bytes.remove_prefix(kPurgeJournalName.size());
  while (!bytes.empty()) {
    std::size_t used = 0;
    auto record = record_at(bytes, used);
    if (!record) {
      out.is_whole = is_torn_end(bytes);
      break;
    }
    out.records.push_back(std::move(*record));
    bytes.remove_prefix(used);
  }
  out.is_whole = out.is_whole && !out.records.empty() && out.records[0].kind == Kind::kBeginning;
  return out;
}

}  // namespace headgate::proxy
