#pragma once
// Identity of a listening socket between supervisor and data plane: "tcp/127.0.0.1/8080",
// "udp//53" (all the sockets of that port). A value.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace headgate::app {

struct SocketName {
  std::string address;  // IP literal; "" is every address
  std::uint16_t port = 0;
  bool datagram = false;
  friend bool operator==(const SocketName&, const SocketName&) = default;
};

std::string to_string(const SocketName& name);
std::optional<SocketName> parse_socket_name(std::string_view text);

}  // namespace headgate::app
