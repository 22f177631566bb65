#pragma once
// Sockets as values and calls, all non-blocking and close-on-exec. The one place that knows sockaddr.
#include <sys/uio.h>

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/result.h"
#include "io/fd.h"
#include "wire/ip/address.h"

namespace headgate::io {

// Outcome of one transfer. kClosed: the peer ended its direction (read) or the connection (write).
struct Transfer {
  enum class State : std::uint8_t { kDone, kWouldBlock, kClosed, kFailed };
  State state = State::kDone;
  std::size_t bytes = 0;
  int error = 0;  // errno of kFailed
};

Transfer receive(int fd, char* into, std::size_t capacity);
// Looks without taking.
Transfer peek(int fd, char* into, std::size_t capacity);
Transfer send(int fd, std::string_view bytes);
Transfer send(int fd, std::span<const iovec> pieces);

// Where a connection goes: an address and port, or a Unix socket path (leading '@': abstract).
struct SocketAddress {
  wire::ip::Endpoint endpoint;
  std::string unix_path;
  friend bool operator==(const SocketAddress&, const SocketAddress&) = default;
};
std::string to_string(const SocketAddress& address);

// `address` "" is every address (dual stack). SO_REUSEADDR.
Result<Fd> listen_tcp(std::string_view address, std::uint16_t port, int backlog = 4096);
// Datagram sockets of one port share it: each client address and port stays with one of them until
// their number changes.
enum class UdpShare : std::uint8_t {
  kFirst,    // refused when anybody has the port, of this user or another
  kAgain,    // the same, but beside those that stopped receiving
  kFurther,  // beside those that are there, which have to be of this user
};
Result<Fd> bind_udp(std::string_view address, std::uint16_t port,
                    UdpShare share = UdpShare::kFirst);
// The connection is in progress when it returns; writability or an error tells the outcome (connect_error).
Result<Fd> connect_stream(const SocketAddress& to);
Result<Fd> connect_datagram(const SocketAddress& to);
int connect_error(int fd);  // SO_ERROR

struct Accepted {
  Fd fd;
  wire::ip::Endpoint peer;
};
// Code::kUnavailable when nothing waits, kExhausted when descriptors or memory ran out.
Result<Accepted> accept_stream(int listen_fd);
wire::ip::Endpoint local_endpoint(int fd);
wire::ip::Endpoint peer_endpoint(int fd);
void set_no_delay(int fd);
// Of a connection, all that its peer's kernel has said to have; 0 when the socket is not of TCP.
std::uint64_t acknowledged_bytes(int fd);
// Acknowledges what has arrived without waiting for data to carry it (TCP_QUICKACK, once).
void acknowledge_now(int fd);
// Sends RST instead of FIN when the descriptor is closed.
void set_reset_on_close(int fd);
void shutdown_write(int fd);
// For every process that has it: those that wait to be accepted still can be, but (nearly) nobody joins them; who connects
// now tries again after a moment.
void stop_queueing(int fd);
// For every process that has it: clients are refused from now on, and so are those that wait to be accepted.
void stop_listening(int fd);
// The same for a datagram socket: it takes no further share of its port, whoever has it open. What
// it holds can be received and answers can be sent, and its port can be bound anew (UdpShare::kAgain).
void stop_receiving(int fd);
// True when the peer has closed or sent bytes nobody asked for: an idle pooled connection in this state is unusable.
bool has_pending_input(int fd);

}  // namespace headgate::io
