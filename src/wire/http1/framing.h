#pragma once
// The fields that decide about framing and the connection, gathered while a head is parsed and
// judged once at its end (RFC 9112 §6, RFC 9110 §7.6.1). Shared by requests and responses. Lives on
// the parser's stack; views into the head.
#include <cstdint>
#include <string_view>

#include "wire/http/field.h"

namespace headgate::wire::http1 {

struct FramingFields {
  std::uint64_t length = 0;
  bool has_length = false;
  std::uint16_t codings = 0;  // elements seen in Transfer-Encoding
  std::uint16_t chunked_codings = 0;
  bool last_is_chunked = false;

  bool close = false;  // Connection options
  bool keep_alive = false;
  bool upgrade = false;
  bool names_others = false;
  std::string_view protocol;  // first element of Upgrade
  bool te_trailers = false;

  bool has_transfer_encoding() const { return codings != 0; }
  // Exactly `chunked`, once, and nothing else.
  bool is_chunked() const { return codings == 1 && chunked_codings == 1; }
};

// True for the names that take_framing_field understands; Content-Length and Transfer-Encoding
// among them.
constexpr bool is_framing_field(http::FieldId id) {
  return id == http::FieldId::kContentLength || id == http::FieldId::kTransferEncoding ||
         id == http::FieldId::kConnection || id == http::FieldId::kUpgrade ||
         id == http::FieldId::kTe;
}

// The error as static text; empty when the field is well formed.
std::string_view take_framing_field(const http::Field& field, FramingFields& out);

}  // namespace headgate::wire::http1
