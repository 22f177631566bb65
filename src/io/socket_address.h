#pragma once
// sockaddr and wire::ip::Endpoint, one into the other. Inside io alone.
#include <sys/socket.h>

#include "wire/ip/address.h"

namespace headgate::io {

struct RawAddress {
  sockaddr_storage storage{};
  socklen_t length = 0;
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};

RawAddress to_raw(const wire::ip::Endpoint& endpoint);
// As an IPv6 socket wants it: an IPv4 address is mapped.
RawAddress to_raw_v6(const wire::ip::Endpoint& endpoint);
// Unset for a family that is neither.
wire::ip::Endpoint from_raw(const sockaddr_storage& storage);

}  // namespace headgate::io
