#include "roles/proxy/cache/stored_head.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstring>

#include "base/append.h"

namespace headgate::proxy {
namespace {

using wire::http::Field;
using wire::http::FieldId;
using wire::http::Fields;

constexpr std::uint8_t kFormat = 2;
constexpr std::size_t kNumberMax = 0xffff;
constexpr std::string_view kColon = ": ", kEnd = "\r\n";

enum Flag : std::uint8_t { kUnchanging = 1 };

struct [[gnu::packed]] Front {
  std::uint8_t format;
  std::uint32_t name_table;
  std::uint8_t flags;
  std::uint16_t fields;
};

struct [[gnu::packed]] Entry {
  std::uint8_t id;
  std::uint16_t name_bytes;
  std::uint32_t value_bytes;
};

static_assert(sizeof(Front) == 8 && sizeof(Entry) == 7);
static_assert(std::endian::native == std::endian::little, "numbers are read as they lie");

template <typename T>
T load(const char* bytes) {
  T value;
  std::memcpy(&value, bytes, sizeof value);
  return value;
}

template <typename T>
char* put_value(char* at, const T& value) {
  std::memcpy(at, &value, sizeof value);
  return at + sizeof value;
}

// Of the names behind the ids, in their order (FNV-1a, Fowler, Noll, Vo).
std::uint32_t name_table() {
  static const std::uint32_t hash = [] {
    std::uint32_t h = 2166136261U;
    for (int id = 1; id < static_cast<int>(FieldId::kCount); ++id) {
      for (const char c : wire::http::name_of(static_cast<FieldId>(id)))
        h = (h ^ static_cast<unsigned char>(c)) * 16777619U;
      h = (h ^ 0xff) * 16777619U;
    }
    return h;
  }();
  return hash;
}

// An answer drops an Age and what is about a connection or a length, and continues a Via.
bool is_unchanging(const Fields& fields) {
  const auto changes = [](const Field& field) {
    return wire::http::is_hop_by_hop(field.id) || field.id == FieldId::kContentLength ||
           field.id == FieldId::kAge || field.id == FieldId::kVia;
  };
  return std::none_of(fields.begin(), fields.end(), changes) &&
         wire::http::find(fields, FieldId::kDate) != nullptr;
}

std::string_view name_of(const Field& field) { return field.name.substr(0, kNumberMax); }

std::size_t bytes_of(const Fields& fields, std::size_t count) {
  std::size_t bytes = sizeof(Front) + count * (sizeof(Entry) + kColon.size() + kEnd.size());
  for (std::size_t i = 0; i < count; ++i)
    bytes += name_of(fields[i]).size() + fields[i].value.size();
  return bytes;
}

bool is_name_table_known(const Front& front) { return front.name_table == name_table(); }

// Takes the line of one field off the front; false when that is not there.
bool take_line(std::string_view& lines, const Entry& entry, Field& field) {
  const std::size_t name_bytes = entry.name_bytes, value_bytes = entry.value_bytes;
  const std::size_t value_at = name_bytes + kColon.size();
  const std::size_t bytes = value_at + value_bytes + kEnd.size();
  if (name_bytes == 0 || bytes > lines.size()) return false;
  const char* const line = lines.data();
  if (std::memcmp(line + name_bytes, kColon.data(), kColon.size()) != 0) return false;
  if (std::memcmp(line + value_at + value_bytes, kEnd.data(), kEnd.size()) != 0) return false;
  field.name = {line, name_bytes};
  field.value = {line + value_at, value_bytes};
  lines.remove_prefix(bytes);
  return true;
}

bool read_fields(std::string_view head, const Front& front, Fields& out) {
  const std::size_t lines_at = sizeof(Front) + front.fields * sizeof(Entry);
  if (lines_at > head.size()) return false;
  const bool has_our_ids = is_name_table_known(front);
  std::string_view lines = head.substr(lines_at);
  for (std::size_t at = sizeof(Front); at < lines_at; at += sizeof(Entry)) {
    const auto entry = load<Entry>(head.data() + at);
    Field field;
    if (!take_line(lines, entry, field)) return false;
    if (has_our_ids && entry.id >= static_cast<std::uint8_t>(FieldId::kCount)) return false;
    field.id = has_our_ids ? static_cast<FieldId>(entry.id) : wire::http::field_id(field.name);
    wire::http::add(out, field);
  }
  return lines.empty();
}

}  // namespace

void write_stored_head(std::string& out, const Fields& fields) {
  const std::size_t count = std::min(fields.size(), kNumberMax);
  out.clear();
  append_with(out, bytes_of(fields, count), [&](char* at) {
    const std::uint8_t flags = is_unchanging(fields) ? kUnchanging : 0;
    at = put_value(at, Front{kFormat, name_table(), flags, static_cast<std::uint16_t>(count)});
    for (std::size_t i = 0; i < count; ++i)
      at = put_value(at, Entry{static_cast<std::uint8_t>(fields[i].id),
                               static_cast<std::uint16_t>(name_of(fields[i]).size()),
                               static_cast<std::uint32_t>(fields[i].value.size())});
    for (std::size_t i = 0; i < count; ++i)
      at = put(put(put(put(at, name_of(fields[i])), kColon), fields[i].value), kEnd);
  });
}

bool read_stored_head(std::string_view head, Fields& out) {
  if (head.size() < sizeof(Front)) return false;
  const auto front = load<Front>(head.data());
  const std::size_t before = out.size();
  if (front.format == kFormat && read_fields(head, front, out)) return true;
  out.resize(before);
  return false;
}

std::string_view unchanging_lines(std::string_view head) {
  if (head.size() < sizeof(Front)) return {};
  const auto front = load<Front>(head.data());
  const bool is_ours = front.format == kFormat && is_name_table_known(front);
  if (!is_ours || (front.flags & kUnchanging) == 0) return {};
  const std::size_t lines_at = sizeof(Front) + front.fields * sizeof(Entry);
  return lines_at > head.size() ? std::string_view() : head.substr(lines_at);
}

}  // namespace headgate::proxy
