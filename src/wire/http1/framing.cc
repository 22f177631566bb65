#include "wire/http1/framing.h"

#include "base/ascii.h"
#include "wire/http/element_list.h"
#include "wire/http/text.h"
#include "wire/http1/limits.h"

namespace headgate::wire::http1 {
namespace {

// A list of equal numbers is one number (RFC 9110 §8.6); everything but digits is refused: "+5",
// "0x5", "5_0", "".
std::string_view take_content_length(std::string_view value, FramingFields& out) {
  http::ElementList elements(value);
  for (std::string_view element; elements.next(element);) {
    const auto length = parse_decimal(element);
    if (!length || *length > kContentBytesMax) return "Content-Length is no length";
    if (out.has_length && out.length != *length) return "Content-Length values differ";
    out.length = *length;
    out.has_length = true;
  }
  return {};
}

std::string_view take_transfer_encoding(std::string_view value, FramingFields& out) {
  http::ElementList elements(value);
  for (std::string_view element; elements.next(element);) {
    if (!http::is_token(element)) return "Transfer-Encoding is malformed";
    out.last_is_chunked = equals_ignore_case(element, "chunked");
    if (out.last_is_chunked) ++out.chunked_codings;
    ++out.codings;
  }
  return {};
}

std::string_view take_connection(std::string_view value, FramingFields& out) {
  http::ElementList options(value);
  for (std::string_view option; options.next(option);) {
    if (option.empty()) continue;
    if (equals_ignore_case(option, "keep-alive")) {
      out.keep_alive = true;
    } else if (equals_ignore_case(option, "close")) {
      out.close = true;
    } else if (equals_ignore_case(option, "upgrade")) {
      out.upgrade = true;
    } else if (!equals_ignore_case(option, "te")) {
      if (!http::is_token(option)) return "Connection option is no token";
      out.names_others = true;
    }
  }
  return {};
}

// protocol-name ["/" protocol-version] (RFC 9110 §7.8).
bool is_protocol(std::string_view text) {
  const std::string_view name = take_until(text, '/');
  return http::is_token(name) && (text.empty() || http::is_token(text));
}

std::string_view take_upgrade(std::string_view value, FramingFields& out) {
  http::ElementList protocols(value);
  for (std::string_view protocol; protocols.next(protocol);) {
    if (protocol.empty()) continue;
    if (!is_protocol(protocol)) return "Upgrade is malformed";
    if (out.protocol.empty()) out.protocol = protocol;
  }
  return {};
}

void take_te(std::string_view value, FramingFields& out) {
  http::ElementList codings(value);
  for (std::string_view coding; codings.next(coding);)
    out.te_trailers = out.te_trailers || equals_ignore_case(coding, "trailers");
}

}  // namespace

std::string_view take_framing_field(const http::Field& field, FramingFields& out) {
  switch (field.id) {
    case http::FieldId::kContentLength: return take_content_length(field.value, out);
    case http::FieldId::kTransferEncoding: return take_transfer_encoding(field.value, out);
    case http::FieldId::kConnection: return take_connection(field.value, out);
    case http::FieldId::kUpgrade: return take_upgrade(field.value, out);
    case http::FieldId::kTe: take_te(field.value, out); return {};
    default: return {};
  }
}

}  // namespace headgate::wire::http1
