#include "app/socket_name.h"

#include <fmt/format.h>

#include "base/ascii.h"

namespace headgate::app {

std::string to_string(const SocketName& name) {
  return fmt::format("{}/{}/{}", name.datagram ? "udp" : "tcp", name.address, name.port);
}

std::optional<SocketName> parse_socket_name(std::string_view text) {
  const std::string_view kind = take_until(text, '/');
  if (kind != "tcp" && kind != "udp") return std::nullopt;
  const std::size_t at = text.rfind('/');
  if (at == std::string_view::npos) return std::nullopt;
  const auto port = parse_decimal(text.substr(at + 1));
  if (!port || *port == 0 || *port > 65535) return std::nullopt;
  return SocketName{std::string(text.substr(0, at)), static_cast<std::uint16_t>(*port),
                    kind == "udp"};
}

}  // namespace headgate::app
