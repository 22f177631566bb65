#include "roles/proxy/cache/stored_head.h"

#include <cstdint>
#include <cstring>

namespace headgate::proxy {
namespace {

using wire::http::Field;
using wire::http::FieldId;

constexpr std::size_t kTableBytes = 4;
constexpr std::size_t kFieldHeadBytes = 7;
constexpr std::size_t kNameBytesMax = 0xffff;  // far above what a head may have

template <typename T>
void append_number(std::string& out, T value) {
  for (std::size_t i = 0; i < sizeof(T); ++i) out += static_cast<char>(value >> (8 * i));
}

template <typename T>
T load(const char* bytes) {
  T value = 0;
  for (std::size_t i = 0; i < sizeof(T); ++i)
    value = static_cast<T>(value | static_cast<T>(static_cast<unsigned char>(bytes[i])) << (8 * i));
  return value;
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

// Takes one field off the front; false when that is not there.
bool take_field(std::string_view& rest, bool has_our_ids, Field& field) {
  if (rest.size() < kFieldHeadBytes) return false;
  const auto id = static_cast<unsigned char>(rest[0]);
  const std::size_t name_bytes = load<std::uint16_t>(rest.data() + 1);
  const std::size_t value_bytes = load<std::uint32_t>(rest.data() + 3);
  rest.remove_prefix(kFieldHeadBytes);
  if (name_bytes == 0 || name_bytes > rest.size() || value_bytes > rest.size() - name_bytes)
    return false;
  field.name = rest.substr(0, name_bytes);
  field.value = rest.substr(name_bytes, value_bytes);
  rest.remove_prefix(name_bytes + value_bytes);
  if (!has_our_ids) {
    field.id = wire::http::field_id(field.name);
    return true;
  }
  field.id = static_cast<FieldId>(id);
  return id < static_cast<unsigned char>(FieldId::kCount);
}

}  // namespace

void begin_stored_head(std::string& out) {
  out.clear();
  append_number(out, name_table());
}

void append_stored_field(std::string& out, const Field& field) {
  const std::string_view name = field.name.substr(0, kNameBytesMax);
  out += static_cast<char>(field.id);
  append_number(out, static_cast<std::uint16_t>(name.size()));
  append_number(out, static_cast<std::uint32_t>(field.value.size()));
  out.append(name).append(field.value);
}

bool read_stored_head(std::string_view head, wire::http::Fields& out) {
  if (head.size() < kTableBytes) return false;
  const bool has_our_ids = load<std::uint32_t>(head.data()) == name_table();
  const std::size_t before = out.size();
  for (std::string_view rest = head.substr(kTableBytes); !rest.empty();) {
    Field field;
    if (!take_field(rest, has_our_ids, field)) {
      out.resize(before);
      return false;
    }
    wire::http::add(out, field);
  }
  return true;
}

}  // namespace headgate::proxy
