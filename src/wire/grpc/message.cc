#include "wire/grpc/message.h"

#include "base/check.h"

namespace headgate::wire::grpc {
namespace {

constexpr std::size_t kServiceBytesMax = 255;
constexpr std::uint64_t kFieldNumberMax = (1U << 29) - 1;

enum WireType : unsigned { kVarint = 0, kFixed64 = 1, kLength = 2, kFixed32 = 5 };

struct ProtoField {
  std::uint64_t number = 0;
  unsigned type = 0;
  std::uint64_t value = 0;  // kVarint
  std::string_view bytes;   // kLength
};

// At most ten bytes, nothing past 64 bits.
std::optional<std::uint64_t> take_varint(std::string_view& in) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < in.size() && i < 10; ++i) {
    const auto byte = static_cast<unsigned char>(in[i]);
    if (i == 9 && byte > 1) return std::nullopt;
    value |= static_cast<std::uint64_t>(byte & 0x7f) << (7 * i);
    if (byte >= 0x80) continue;
    in.remove_prefix(i + 1);
    return value;
  }
  return std::nullopt;
}

bool take_bytes(std::string_view& in, std::uint64_t size, std::string_view& out) {
  if (size > in.size()) return false;
  out = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}

bool take_value(std::string_view& in, ProtoField& field) {
  if (field.type == kFixed64) return take_bytes(in, 8, field.bytes);
  if (field.type == kFixed32) return take_bytes(in, 4, field.bytes);
  if (field.type != kVarint && field.type != kLength) return false;  // groups: nobody sends them
  const auto number = take_varint(in);
  if (!number) return false;
  field.value = *number;
  return field.type == kVarint || take_bytes(in, *number, field.bytes);
}

std::optional<ProtoField> take_field(std::string_view& in) {
  const auto tag = take_varint(in);
  if (!tag) return std::nullopt;
  ProtoField field{.number = *tag >> 3, .type = static_cast<unsigned>(*tag & 7)};
  if (field.number == 0 || field.number > kFieldNumberMax || !take_value(in, field))
    return std::nullopt;
  return field;
}

void append_varint(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out += static_cast<char>(value | 0x80);
  out += static_cast<char>(value);
}

}  // namespace

Message parse_message(std::string_view in, std::size_t payload_bytes_max) {
  if (in.empty()) return {};
  if (static_cast<unsigned char>(in[0]) > 1) return {.state = Message::State::kMalformed};
  if (in.size() < kPrefixBytes) return {};
  std::size_t size = 0;
  for (std::size_t i = 1; i < kPrefixBytes; ++i)
    size = size << 8 | static_cast<unsigned char>(in[i]);
  if (size > payload_bytes_max) return {.state = Message::State::kTooLong};
  if (in.size() - kPrefixBytes < size) return {};
  return {Message::State::kMessage, in[0] == 1, in.substr(kPrefixBytes, size), kPrefixBytes + size};
}

void append_framed(std::string& out, std::string_view payload) {
  HG_CHECK(payload.size() <= UINT32_MAX, "a gRPC message has a 32-bit length");
  out += '\0';
  for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(payload.size() >> shift);
  out += payload;
}

void append_health_request(std::string& out, std::string_view service) {
  if (service.empty()) return;  // the default value is not written
  append_varint(out, 1 << 3 | kLength);
  append_varint(out, service.size());
  out += service;
}

std::optional<std::string_view> parse_health_request(std::string_view payload) {
  if (payload.size() > kHealthMessageBytesMax) return std::nullopt;
  std::string_view service;
  while (!payload.empty()) {
    const auto field = take_field(payload);
    if (!field || (field->number == 1 && field->type != kLength)) return std::nullopt;
    if (field->number == 1) service = field->bytes;
  }
  if (service.size() > kServiceBytesMax) return std::nullopt;
  return service;
}

void append_health_response(std::string& out, Serving serving) {
  if (serving == Serving::kUnknown) return;
  append_varint(out, 1 << 3 | kVarint);
  append_varint(out, static_cast<std::uint64_t>(serving));
}

std::optional<Serving> parse_health_response(std::string_view payload) {
  if (payload.size() > kHealthMessageBytesMax) return std::nullopt;
  Serving serving = Serving::kUnknown;
  while (!payload.empty()) {
    const auto field = take_field(payload);
    if (!field || (field->number == 1 && field->type != kVarint)) return std::nullopt;
    if (field->number == 1)
      serving = field->value <= 3 ? static_cast<Serving>(field->value) : Serving::kUnknown;
  }
  return serving;
}

}  // namespace headgate::wire::grpc
