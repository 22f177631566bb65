#pragma once
// PROXY protocol versions 1 and 2: who really connected, told by the balancer in front, before the
// first byte of the connection. A header is believed only from listed sources; that choice is the
// caller's. Pure functions; views point into the input.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "wire/ip/address.h"

namespace headgate::wire::proxy_protocol {

inline constexpr std::size_t kV1BytesMax = 107;  // the specification's own bound, CRLF included
inline constexpr std::size_t kHeaderBytesMax =
    4096;  // of a version 2 header with its TLVs; a longer one is malformed

enum class Transport : std::uint8_t { kUnspecified, kStream, kDatagram };

struct Header {
  // kLocal: the sender speaks for itself (a health check). kUnknown: proxied, origin not told
  // (UNKNOWN, UNSPEC). With both, the addresses of the connection itself hold.
  enum class Kind : std::uint8_t { kLocal, kUnknown, kIp, kUnix };
  Kind kind = Kind::kUnknown;
  Transport transport = Transport::kUnspecified;
  ip::Endpoint source, destination;                // kIp
  std::string_view source_path, destination_path;  // kUnix; without the padding
};

enum class State : std::uint8_t { kNeedMore, kHeader, kMalformed };

struct Parsed {
  State state = State::kNeedMore;
  std::size_t bytes = 0;  // kHeader: length of the header; what follows belongs to the connection
  Header header;
  std::string_view problem;  // kMalformed: static text for the log
};

// `in` is everything received so far. kNeedMore only while some header could still begin with `in`.
Parsed parse(std::string_view in);

// Both families may differ: the IPv4 side is then written mapped into IPv6.
void append_v1(std::string& out, const ip::Endpoint& source, const ip::Endpoint& destination);
void append_v1_unknown(std::string& out);
enum class Checksum : std::uint8_t { kNone, kCrc32c };
void append_v2(std::string& out, const ip::Endpoint& source, const ip::Endpoint& destination,
               Transport transport = Transport::kStream, Checksum checksum = Checksum::kNone);
void append_v2_local(std::string& out);

}  // namespace headgate::wire::proxy_protocol
