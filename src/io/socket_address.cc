#include "io/socket_address.h"

#include <netinet/in.h>

#include <cstring>

namespace headgate::io {

RawAddress to_raw_v6(const wire::ip::Endpoint& endpoint) {
  RawAddress raw;
  auto* in6 = reinterpret_cast<sockaddr_in6*>(&raw.storage);
  const auto bytes = wire::ip::to_ipv6_bytes(endpoint.address);
  in6->sin6_family = AF_INET6;
  in6->sin6_port = htons(endpoint.port);
  std::memcpy(&in6->sin6_addr, bytes.data(), 16);
  raw.length = sizeof *in6;
  return raw;
}

RawAddress to_raw(const wire::ip::Endpoint& endpoint) {
  if (endpoint.address.v6) return to_raw_v6(endpoint);
  RawAddress raw;
  auto* in4 = reinterpret_cast<sockaddr_in*>(&raw.storage);
  in4->sin_family = AF_INET;
  in4->sin_port = htons(endpoint.port);
  std::memcpy(&in4->sin_addr, endpoint.address.bytes.data(), 4);
  raw.length = sizeof *in4;
  return raw;
}

wire::ip::Endpoint from_raw(const sockaddr_storage& storage) {
  wire::ip::Endpoint endpoint;
  if (storage.ss_family == AF_INET6) {
    const auto& in6 = reinterpret_cast<const sockaddr_in6&>(storage);
    std::array<std::uint8_t, 16> bytes;
    std::memcpy(bytes.data(), &in6.sin6_addr, 16);
    endpoint = {wire::ip::from_ipv6_bytes(bytes), ntohs(in6.sin6_port)};
  } else if (storage.ss_family == AF_INET) {
    const auto& in4 = reinterpret_cast<const sockaddr_in&>(storage);
    std::memcpy(endpoint.address.bytes.data(), &in4.sin_addr, 4);
    endpoint.port = ntohs(in4.sin_port);
  }
  return endpoint;
}

}  // namespace headgate::io
