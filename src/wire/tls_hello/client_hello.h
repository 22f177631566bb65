#pragma once
// The first message of a TLS client, read without answering it: the server name decides where a
// passed-through connection goes (TLSRoute). Pure: give it all bytes received so far; nothing is
// consumed, they are forwarded as they came. Allocates only the strings of the answer, and one
// buffer when the message is split over records.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace headgate::wire::tls_hello {

inline constexpr std::size_t kBytesMax =
    16 * 1024;  // of the stream up to the end of the message; more is malformed
inline constexpr std::uint16_t kTls12 = 0x0303, kTls13 = 0x0304;

struct ClientHello {
  std::string
      server_name;  // RFC 6066 §3; lower case, a DNS name without trailing dot; empty when not sent
  std::vector<std::string> alpn;  // RFC 7301, in the client's order
  std::vector<std::uint16_t>
      versions;  // RFC 8446 §4.2.1; the legacy version alone when the extension is missing
};

enum class State : std::uint8_t {
  kNeedMore,
  kHello,
  kNotTls,     // the first bytes begin no TLS handshake record: plain HTTP, SSH, ...
  kMalformed,  // TLS, but broken or too long; `problem` says what
};

struct Parsed {
  State state = State::kNeedMore;
  ClientHello hello;
  std::string_view problem;  // static text for the log
};

Parsed parse(std::string_view stream);

// Letters, digits, '-' and '_', labels of 1-63, at most 253 bytes, no trailing dot, no IPv4
// address.
bool is_dns_name(std::string_view name);

}  // namespace headgate::wire::tls_hello
