#include "wire/http2/field_block.h"

#include <cstdint>

namespace headgate::wire::http2 {
namespace {

// The library takes pointers to non-const bytes and does not write through them.
std::uint8_t* bytes_of(std::string_view text) {
  return reinterpret_cast<std::uint8_t*>(const_cast<char*>(text.data()));
}

}  // namespace

bool is_connection_specific(http::FieldId id) {
  switch (id) {
    case http::FieldId::kConnection:
    case http::FieldId::kKeepAlive:
    case http::FieldId::kProxyConnection:
    case http::FieldId::kTransferEncoding:
    case http::FieldId::kUpgrade:
    case http::FieldId::kHttp2Settings: return true;
    default: return false;
  }
}

void FieldBlock::add_static(std::string_view name, std::string_view value) {
  pairs_.push_back(
      {bytes_of(name), bytes_of(value), name.size(), value.size(), NGHTTP2_NV_FLAG_NO_COPY_NAME});
}

void FieldBlock::add(const http::Field& field) {
  if (is_connection_specific(field.id)) return;
  if (field.id != http::FieldId::kOther) return add_static(http::name_of(field.id), field.value);
  pairs_.push_back({bytes_of(field.name), bytes_of(field.value), field.name.size(),
                    field.value.size(), NGHTTP2_NV_FLAG_NONE});
}

void FieldBlock::add(const http::Fields& fields) {
  pairs_.reserve(pairs_.size() + fields.size());
  for (const http::Field& field : fields) add(field);
}

void FieldBlock::add_request(const http::Fields& fields, bool te_trailers) {
  pairs_.reserve(pairs_.size() + fields.size() + 1);
  for (const http::Field& field : fields)
    if (field.id != http::FieldId::kHost && field.id != http::FieldId::kTe) add(field);
  if (te_trailers) add_static("te", "trailers");
}

void FieldBlock::own() {
  std::size_t total = 0;
  for (const nghttp2_nv& pair : pairs_) total += pair.namelen + pair.valuelen;
  text_.reserve(total);  // no growth below: the pointers stay
  const auto keep = [this](std::uint8_t*& bytes, std::size_t n) {
    const std::size_t at = text_.size();
    text_.append(reinterpret_cast<const char*>(bytes), n);
    bytes = reinterpret_cast<std::uint8_t*>(text_.data() + at);
  };
  for (nghttp2_nv& pair : pairs_) {
    if (!(pair.flags & NGHTTP2_NV_FLAG_NO_COPY_NAME)) keep(pair.name, pair.namelen);
    keep(pair.value, pair.valuelen);
  }
}

}  // namespace headgate::wire::http2
